// Builds what has changed since its last build: each program by its Nest CLI project, the tenant also as an image.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamps = join(root, 'dist', '.stamps');
const node = process.execPath;
const nest = join(root, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
const SHARED = [
  'libs',
  'nest-cli.json',
  'tsconfig.json',
  'package-lock.json',
  'apps/rspack.config.js',
  'scripts/build.mjs',
];

const TARGETS = [
  {
    name: 'control-plane',
    inputs: [
      'apps/control-plane',
      'migrations/control-plane',
      'docs/openapi',
      'scripts/build-world-map.mjs',
      ...SHARED,
    ],
    output: 'dist/apps/control-plane/main.js',
    commands: [['scripts/build-world-map.mjs'], [nest, 'build', 'control-plane']],
  },
  {
    name: 'minifly-embedded',
    inputs: ['apps/minifly-embedded', ...SHARED],
    output: 'dist/apps/minifly-embedded/main.js',
    commands: [[nest, 'build', 'minifly-embedded']],
  },
  {
    name: 'tenant-todo',
    inputs: ['apps/tenant-todo', 'migrations/tenant-todo', 'scripts/build-tenant.mjs', ...SHARED],
    output: 'dist/images/tenant-todo/image.json',
    commands: [[nest, 'build', 'tenant-todo'], ['scripts/build-tenant.mjs']],
  },
  {
    name: 'guest-book',
    inputs: ['examples/guest-book', 'scripts/register-image.mjs'],
    output: 'dist/images/guest-book/image.json',
    commands: [['scripts/register-image.mjs', 'examples/guest-book']],
  },
].filter(({ inputs: [source] }) => existsSync(join(root, source))); // the Docker images are built without the examples

/** Builds the targets whose inputs are not those of their last build; gives their names. Rejects with the output of a build that failed. */
export async function buildChanged() {
  const stale = TARGETS.filter(
    (target) => readStamp(target) !== inputsHash(target) || !existsSync(join(root, target.output)),
  );
  if (stale.length === 0) return [];
  const started = Date.now();
  process.stdout.write(`Building ${stale.map(({ name }) => name).join(', ')} …\n`);
  await Promise.all(stale.map(buildTarget));
  process.stdout.write(`Built in ${((Date.now() - started) / 1000).toFixed(1)} s.\n`);
  return stale.map(({ name }) => name);
}

async function buildTarget(target) {
  const hash = inputsHash(target);
  rmSync(stampOf(target), { force: true });
  for (const command of target.commands) await run(command);
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stampOf(target), hash);
}

function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${args.slice(-2).join(' ')} failed:\n${output}`)),
    );
  });
}

function stampOf(target) {
  return join(stamps, target.name);
}

function readStamp(target) {
  return existsSync(stampOf(target)) ? readFileSync(stampOf(target), 'utf8') : null;
}

function inputsHash(target) {
  const hash = createHash('sha256').update(process.version);
  for (const input of target.inputs) hashPath(hash, join(root, input));
  return hash.digest('hex');
}

function hashPath(hash, path) {
  let entries;
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (error.code !== 'ENOTDIR') throw error;
    hash.update(path.slice(root.length)).update(readFileSync(path));
    return;
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.endsWith('.spec.ts')) continue;
    hashPath(hash, join(path, entry.name));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await buildChanged();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
