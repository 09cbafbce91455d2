import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { controlPlaneDocument, tenantDocument } from './documents';

const DOCUMENTS = { 'control-plane': controlPlaneDocument, 'tenant-todo': tenantDocument };

/** `npm run docs:openapi` writes what this compares. */
describe('the OpenAPI documents', () => {
  for (const [name, make] of Object.entries(DOCUMENTS)) {
    it(`has docs/openapi/${name}.json as the code says it`, async () => {
      const file = join(__dirname, '../../docs/openapi', `${name}.json`);
      const made = `${JSON.stringify(await make(), null, 2)}\n`;
      if (process.env.WRITE_OPENAPI) writeFileSync(file, made);
      if (readFileSync(file, 'utf8') !== made)
        throw new Error(
          `docs/openapi/${name}.json is not what the code says: run \`npm run docs:openapi\` and commit it.`,
        );
    });

    it(`has in ${name}.json each schema that it refers to`, async () => {
      const document = await make();
      const known = Object.keys(document.components?.schemas ?? {});
      const named = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
        ([, schema]) => schema,
      );

      expect(named.length).toBeGreaterThan(0);
      expect(known).toEqual(expect.arrayContaining(named));
    });
  }
});
