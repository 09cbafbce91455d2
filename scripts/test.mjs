// `npm test`: every spec, units beside the code and journeys under test/. Arguments go to Jest (`npm test -- gates`).
// What tests write lies in one temporary folder, which goes with a run that passed and is named where one failed.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// Nest 12 is ESM; Jest loads it by `require` with this flag, and its workers inherit it. Nothing leaks into tenants by NODE_OPTIONS.
const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const TMPDIR = mkdtempSync(join(tmpdir(), 'todo-')); // short: the path of a Unix socket has 104 bytes at most
const child = spawn(process.execPath, [...flags, jest, ...process.argv.slice(2)], {
  cwd: root,
  env: { ...process.env, TMPDIR },
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  if (code === 0) rmSync(TMPDIR, { recursive: true, force: true });
  process.exit(signal ? 1 : code);
});
