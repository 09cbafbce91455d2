// Wake of the tenant image against a bare Node with better-sqlite3: spawn to the first 200, interleaved, each with a clean
// environment, and the memory of one after it has served and been idle. `node test/bench/tenant-wake.mjs [rounds]`
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const rounds = Number(process.argv[2] ?? 11);
const root = join(import.meta.dirname, '../..');
const image = join(root, 'dist/images/tenant-todo');
const { command } = JSON.parse(readFileSync(join(image, 'image.json'), 'utf8'));
const directory = mkdtempSync(join(tmpdir(), 'tenant-wake-'));
const { publicKey } = generateKeyPairSync('ed25519');

const BARE = `
  const db = new (require(${JSON.stringify(join(root, 'node_modules/better-sqlite3'))}))(process.env.DATA_DIR + '.sqlite');
  db.exec('CREATE TABLE IF NOT EXISTS t (x)');
  require('node:http').createServer((_, res) => res.end(JSON.stringify(db.prepare('SELECT count(*) FROM t').get())))
    .listen(process.env.PORT, process.env.HOST);
`;

const contenders = {
  bare: { args: ['-e', BARE], cwd: directory },
  tenant: { args: command.slice(1), cwd: image },
};
const results = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
let port = 20_000 + (process.pid % 20_000);
try {
  for (const name of Object.keys(contenders)) await wake(name); // files into the page cache, volumes made
  for (let i = 0; i < rounds; i += 1) {
    for (const name of Object.keys(contenders)) results[name].push(await wake(name));
  }
  const rows = Object.entries(results).map(([name, runs]) => ({
    name,
    ms: median(runs.map(({ ms }) => ms)),
    cpuMs: median(runs.map(({ cpuMs }) => cpuMs)),
  }));
  for (const { name, ms, cpuMs } of rows) {
    const ratio = (ms / rows[0].ms).toFixed(2);
    console.log(`${name.padEnd(8)} ${ms.toFixed(0).padStart(4)} ms  x${ratio}  cpu ${cpuMs.toFixed(0)} ms`);
  }
  for (const name of Object.keys(contenders)) {
    const { rss, pss } = await idleMemory(name);
    console.log(`${name.padEnd(8)} idle: RSS ${rss} MB, PSS ${pss} MB`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function wake(name) {
  const { child, url, started } = start(name);
  await firstOk(url);
  const ms = performance.now() - started;
  const cpuMs = cpuOf(child.pid);
  await stop(child);
  return { ms, cpuMs };
}

async function idleMemory(name) {
  const { child, url } = start(name);
  await firstOk(url);
  for (let i = 0; i < 5; i += 1) await get(url);
  await sleep(2000);
  const rollup = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8');
  const mb = (key) => Math.round(Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(rollup)?.[1]) / 1024);
  await stop(child);
  return { rss: mb('Rss'), pss: mb('Pss') };
}

function start(name) {
  const { args, cwd } = contenders[name];
  port += 1;
  const env = {
    TENANT_ID: 'bench',
    APP_NAME: 'bench',
    TENANT_TOKEN_KEYS: JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'bench' }] }),
    DATA_DIR: join(directory, name),
    HOST: '127.0.0.1',
    PORT: String(port),
    NODE_ENV: 'production',
  };
  const started = performance.now();
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] });
  return { child, started, url: `http://127.0.0.1:${port}/readyz` };
}

async function firstOk(url) {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    if ((await get(url).catch(() => 0)) === 200) return;
    await sleep(2);
  }
  throw new Error(`${url} did not answer`);
}

function get(url) {
  return new Promise((resolve, reject) => {
    http.get(url, { agent: false }, (res) => res.resume().on('end', () => resolve(res.statusCode))).on('error', reject);
  });
}

async function stop(child) {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}

/** User and system time so far, in ticks of 10 ms. */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
