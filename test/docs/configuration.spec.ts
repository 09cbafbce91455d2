import { envFieldsOf } from '@app/common/config/from-env';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ControlPlaneConfig } from '../../apps/control-plane/src/config';
import { all, readPage, ROOT, rowsOf, tablesOf, toString } from './support/markdown';

/** Read by the control plane, and set by the system or by Fly, never by an operator. */
const SET_BY_OTHERS = ['PATH', 'FLY_APP_NAME', 'FLY_REGION'];
/** Read by the embedded platform alone, which reads its environment by hand (apps/minifly-embedded/src/options.ts). */
const OF_THE_EMBEDDED_PLATFORM = ['MINIFLY_API_PORT'];

const fields = envFieldsOf(ControlPlaneConfig).filter(({ variable }) => !SET_BY_OTHERS.includes(variable));
const variables = [...fields.map(({ variable }) => variable), ...OF_THE_EMBEDDED_PLATFORM].sort();

describe('the configuration', () => {
  it('is in the README as a whole, and nothing else is', () => {
    expect(
      rows()
        .flatMap(({ names }) => names)
        .sort(),
    ).toEqual(variables);
  });

  it('is in .env.example as a whole, and nothing else is', () => {
    const text = readFileSync(join(ROOT, '.env.example'), 'utf8');
    expect([...text.matchAll(/^#([A-Z][A-Z0-9_]*)=/gm)].map((match) => match[1]).sort()).toEqual(variables);
  });

  it('has the defaults that the README says', () => {
    const config = new ControlPlaneConfig() as unknown as Record<string, unknown>; // by the names of its fields
    const compared = rows().flatMap(({ names, defaults }) =>
      defaults.flatMap((said, i) => {
        const field = fields.find(({ variable }) => variable === names[i]);
        const value = field && config[field.property];
        return value === undefined ? [] : [{ variable: names[i], said, is: inEnvironment(value) }];
      }),
    );
    expect(compared.length).toBeGreaterThan(15);
    expect(compared.filter(({ said, is }) => said !== is)).toEqual([]);
  });
});

/** The README's table: of each row the variables and, where they stand in code font, their defaults in the same order. */
function rows(): { names: string[]; defaults: string[] }[] {
  const table = tablesOf(readPage('README.md')).find((one) => toString(one).startsWith('variable'));
  if (!table) throw new Error('README.md has no table of variables.');
  return rowsOf(table).map(([names, defaults]) => ({ names: codesIn(names), defaults: codesIn(defaults) }));
}

function codesIn(node: Parameters<typeof all>[0] | undefined): string[] {
  return node ? all(node, 'inlineCode').map(({ value }) => value) : [];
}

function inEnvironment(value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  return Array.isArray(value) ? value.join(',') : String(value);
}
