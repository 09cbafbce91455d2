import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const FOLDER = resolve(__dirname, '../../../test-artefacts/browser');

/** Where what the browser saw is kept: `test-artefacts/browser/<file>`, which git ignores. The last run's files are written over. */
export function artefact(file: string): string {
  mkdirSync(FOLDER, { recursive: true });
  return join(FOLDER, file);
}

/** A name of a test as a file's name. */
export function fileNameOf(name: string): string {
  return name
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-|-$/g, '')
    .toLowerCase()
    .slice(0, 120);
}
