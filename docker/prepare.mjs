// Makes dist/docker/tree, from which both Dockerfiles copy: the built programs and of node_modules the files that they need. It works
// alike on a Linux machine before `docker build`, whose build then needs no registry, and inside the build, where nothing was
// prepared or the sources have changed since. Does nothing where the tree is of these very sources.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const tree = join(root, 'dist/docker/tree');
const stamp = join(root, 'dist/docker/tree.sha256');
const platform = `${process.platform}-${process.arch}`;

const INPUTS = [
  'apps',
  'libs',
  'migrations',
  'scripts',
  'docker/prepare.mjs',
  'nest-cli.json',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
];
const PROGRAMS = ['control-plane', 'minifly-embedded', 'tenant-todo'].map((name) => `dist/apps/${name}/main.js`);
/** What is read and not required, and what the tenant's cached data is made with, in the build, by the Node that will read it. */
const OTHER_FILES = [
  'dist/apps/control-plane/pages',
  `node_modules/better-sqlite3/prebuilds/${platform}.node`,
  'apps/tenant-todo/start.js',
  'scripts/build-tenant.mjs',
];
/** The tracer takes SQLite's source and the binaries of all platforms along; one of them is among the files above. */
const NOT_NEEDED = ['node_modules/better-sqlite3/{deps,src,prebuilds}/**', 'node_modules/better-sqlite3/binding.gyp'];

const sources = hashOfSources();
if (process.argv.includes('--copy')) {
  await makeTree();
} else if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) {
  console.log('dist/docker/tree is of these sources.');
} else {
  console.log('dist/docker/tree is not of these sources; making it.');
  run('A build that reaches no registry needs `node docker/prepare.mjs` before it, on the same sources.', [
    process.execPath,
    'scripts/setup.mjs',
  ]);
  // By the Node that will run the programs: an older one's `require` takes other files of some packages ("module-sync").
  run('The files that the programs need could not be gathered.', [
    'node_modules/.bin/node',
    import.meta.filename,
    '--copy',
  ]);
}

/** Ends with the sentence where the command fails; the command has said why. */
function run(sentence, [command, ...args]) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status === 0) return;
  console.error(sentence);
  process.exit(1);
}

async function makeTree() {
  const { nodeFileTrace } = createRequire(import.meta.url)('@vercel/nft');
  const { fileList } = await nodeFileTrace(PROGRAMS, { base: root, processCwd: root, ignore: NOT_NEEDED });
  const files = [...fileList, ...OTHER_FILES].sort();
  rmSync(stamp, { force: true });
  rmSync(tree, { recursive: true, force: true });
  for (const file of files) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    cpSync(join(root, file), join(tree, file), { recursive: true });
  }
  writeFileSync(stamp, sources);
  console.log(`Made dist/docker/tree, ${files.length} files.`);
}

/** Specs are left out: they are not in the build's context. */
function hashOfSources() {
  const hash = createHash('sha256').update(platform);
  for (const input of INPUTS) {
    const path = join(root, input);
    const files = lstatSync(path).isDirectory() ? readdirSync(path, { recursive: true }).map(String).sort() : [''];
    for (const file of files.map((name) => join(path, name))) {
      if (lstatSync(file).isDirectory() || file.endsWith('.spec.ts')) continue;
      hash.update(file.slice(root.length)).update('\0').update(readFileSync(file));
    }
  }
  return hash.digest('hex');
}
