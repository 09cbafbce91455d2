import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Streams have no end of their own: a reader presses Ctrl-C, here they are left after so long. */
const STREAM_SECONDS = 4;
const SESSION_MS = 100_000;

/** As a reader's curl, but that it fails where the answer is an error, and reads no `.curlrc`. */
const CURL = `#!/bin/bash
for word; do
  if [ "$word" = -N ]; then
    "$CURL" -q --silent --show-error --fail-with-body --max-time ${STREAM_SECONDS} "$@"
    [ $? = 28 ] && exit 0
    exit $?
  fi
done
exec "$CURL" -q --silent --show-error --fail-with-body "$@"
`;

/** What one block of commands printed. */
export interface BlockResult {
  commands: string;
  stdout: string;
}

/**
 * Runs blocks of shell commands one after the other in one bash, in `folder`, as a reader would who pastes them. The first command
 * that fails ends it: rejects with its block and what was printed.
 */
export async function runBlocks(blocks: readonly string[], folder: string): Promise<BlockResult[]> {
  const private_ = join(folder, '.session');
  mkdirSync(private_, { recursive: true });
  writeFileSync(join(private_, 'curl'), CURL);
  chmodSync(join(private_, 'curl'), 0o755);
  const output = (i: number) => join(private_, `output-${i}`);
  const script = [
    'set -euo pipefail',
    `CURL=$(command -v curl) || { echo "The documentation's commands need curl." >&2; exit 1; }`,
    'export CURL PATH=$PWD/.session:$PATH',
    ...blocks.map((block, i) => `echo ${i} > .session/current\n{\n${block}\n} > .session/output-${i}`),
  ].join('\n');
  writeFileSync(join(private_, 'script'), script);
  await run(join(private_, 'script'), folder).catch((error: Error) => {
    const current = Number(readFileSync(join(private_, 'current'), 'utf8'));
    throw new Error(`${error.message}\nin:\n${blocks[current]}\nprinted:\n${readFileSync(output(current), 'utf8')}`);
  });
  return blocks.map((commands, i) => ({ commands, stdout: readFileSync(output(i), 'utf8') }));
}

function run(script: string, cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH, HOME: cwd, LC_ALL: 'C.UTF-8' };
    const child = spawn('bash', [script], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const timer = setTimeout(() => child.kill(), SESSION_MS);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else reject(new Error(`The commands ended with ${code}: ${stderr}`));
    });
  });
}
