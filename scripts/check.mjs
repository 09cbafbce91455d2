// `npm run check`: format, lint, types, boundaries, OpenAPI documents. All of them run; the end says which failed.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name, file) => join(root, 'node_modules', name, file);
const CHECKS = [
  ['format', bin('prettier', 'bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'],
  ['types', bin('typescript', 'bin/tsc'), '--noEmit'],
  ['lint', bin('eslint', 'bin/eslint.js'), '--max-warnings', '0', '.'],
  [
    'boundaries',
    bin('dependency-cruiser', 'bin/dependency-cruiser.mjs'),
    '--config',
    '.dependency-cruiser.cjs',
    'apps',
    'libs',
    'migrations',
  ],
  ['openapi', join(root, 'scripts/test.mjs'), 'test/openapi', '--silent'],
];

const failed = CHECKS.filter(([name, ...command]) => {
  const started = Date.now();
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  return status !== 0;
}).map(([name]) => name);

if (failed.length > 0) {
  console.error(`Failed: ${failed.join(', ')}. \`npm run format\` mends the format.`);
  process.exit(1);
}
