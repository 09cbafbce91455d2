// `npm run dev`: builds, runs the control plane, and does both again when a source changes. A build that fails leaves the old one running.
import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildChanged } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const QUIET_MS = 150; // an editor writes a file in several strokes
let child = null;
let timer = null;
let queue = Promise.resolve();
let ending = false;

for (const folder of ['apps', 'libs', 'migrations']) {
  watch(join(root, folder), { recursive: true }, (_event, file) => {
    if (!file || file.endsWith('.spec.ts') || file.endsWith('~')) return;
    clearTimeout(timer);
    timer = setTimeout(() => (queue = queue.then(rebuild)), QUIET_MS);
  });
}
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void end());
queue = queue.then(rebuild);

async function rebuild() {
  try {
    const built = await buildChanged();
    if (built.length === 0 && child) return;
  } catch (error) {
    console.error(error.message);
    return;
  }
  await stop();
  if (ending) return;
  child = spawn(process.execPath, [join(root, 'dist', 'apps', 'control-plane', 'main.js')], {
    cwd: root,
    stdio: 'inherit',
  });
  child.on('exit', () => (child = null));
}

function stop() {
  if (!child) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGTERM');
  });
}

async function end() {
  if (ending) return;
  ending = true;
  await stop();
  process.exit(0);
}
