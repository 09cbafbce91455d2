// node scripts/register-image.mjs FOLDER: copies a folder with an image.json to dist/images, where the embedded platform finds it by its name.
import { cpSync, existsSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = resolve(process.argv[2] ?? '');
const name = basename(folder);
const problem = !process.argv[2]
  ? 'Name the folder.'
  : !existsSync(join(folder, 'image.json'))
    ? `${folder} has no image.json; docs/TENANT-CONTRACT.md says what is in it.`
    : !/^[a-z0-9][a-z0-9._-]*$/.test(name)
      ? `An image cannot be called ${JSON.stringify(name)}: lower-case letters, digits, dots and dashes.`
      : null;
if (problem) {
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}
const image = join(root, 'dist', 'images', name);
rmSync(image, { recursive: true, force: true });
cpSync(folder, image, { recursive: true });
process.stdout.write(`${image} is there: TENANT_IMAGE=${name}\n`);
