// `npm run bench`: what docs/PERFORMANCE.md explains. Everything on loopback, in one run, as ratios, because the machine is shared.
import autocannon from 'autocannon';
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { end, endAll, firstOk, freePort, get, median, ms, start, timed, waitFor } from './measure.mjs';
import { addTodo, asleep, post, signUp, startControlPlane } from './service.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const WAKE_ROUNDS = Number(process.env.BENCH_WAKE_ROUNDS ?? 11);
const LOAD_SECONDS = Number(process.env.BENCH_LOAD_SECONDS ?? 5);
const LOAD_ROUNDS = Number(process.env.BENCH_LOAD_ROUNDS ?? 3);
const HAS_WRK = spawnSync('wrk', ['-v']).error === undefined;
const run = promisify(execFile);

const folder = mkdtempSync(join(tmpdir(), 'todo-bench-'));
try {
  await wakes();
  console.log(`Load at 50 connections by ${HAS_WRK ? 'wrk' : 'autocannon (wrk is not installed)'}:`);
  await throughput('tenant-todo', 'the to-do tenant, one to-do');
  installHelloImage();
  await throughput('bench-hello', 'a tenant of bare node:http, 1 KB');
} finally {
  await endAll();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  rmSync(join(root, 'dist', 'images', 'bench-hello'), { recursive: true, force: true });
}

/** Wake against a bare Node with better-sqlite3, interleaved; sign-up to the first stored to-do; ten wakes at once. */
async function wakes() {
  const plane = await startControlPlane(folder, { IDLE_STOP_SECONDS: '1' });
  const people = [];
  const signUps = [];
  for (let i = 0; i < 10; i += 1) {
    const started = performance.now();
    const person = await signUp(plane);
    await addTodo(plane, person);
    signUps.push(performance.now() - started);
    people.push(person);
  }
  const bare = [];
  const woken = [];
  for (let round = 0; round < WAKE_ROUNDS; round += 1) {
    await asleep(plane, people[0]);
    woken.push(await timed(() => firstOk(`${plane.url}/api/v1/todos`, people[0].headers)));
    const port = await freePort();
    bare.push(await timed(() => bareNode(port)));
  }
  const bareTen = [];
  const ten = [];
  for (let round = 0; round < 3; round += 1) {
    await Promise.all(people.map((person) => asleep(plane, person)));
    ten.push(
      await timed(() => Promise.all(people.map(({ headers }) => firstOk(`${plane.url}/api/v1/todos`, headers)))),
    );
    const ports = await Promise.all(people.map(freePort));
    bareTen.push(await timed(() => Promise.all(ports.map(bareNode))));
  }
  await plane.end();
  print('bare Node with better-sqlite3, spawn to first 200', `${ms(median(bare))}`, 1);
  print(
    'wake of a stopped tenant to the first proxied 200',
    `${ms(median(woken))}`,
    median(woken) / median(bare),
    'goal at most 2.5',
  );
  print('sign-up to the first stored to-do', `${ms(median(signUps))}`, median(signUps) / median(bare));
  print('ten bare Nodes at once, until the last answers', `${ms(median(bareTen))}`, 1);
  print('ten wakes at once, until the last answers', `${ms(median(ten))}`, median(ten) / median(bareTen));
}

/** GETs per second at 50 connections: direct, through the control plane, through configurable-http-proxy; interleaved rounds. */
async function throughput(image, title) {
  const plane = await startControlPlane(folder, { TENANT_IMAGE: image, IDLE_STOP_SECONDS: '0' });
  const person = await signUp(plane);
  const path = image === 'tenant-todo' ? `/todos/${(await addTodo(plane, person)).id}` : '/todos';
  const direct = await post(plane, '/api/v1/tenant/token', undefined, person.headers);
  const bearer = { authorization: `Bearer ${direct.token}` };
  const [chpPort, apiPort, barePort] = [await freePort(), await freePort(), await freePort()];
  const chp = start([
    join(root, 'node_modules/configurable-http-proxy/bin/configurable-http-proxy'),
    '--ip',
    '127.0.0.1',
    '--port',
    `${chpPort}`,
    '--api-ip',
    '127.0.0.1',
    '--api-port',
    `${apiPort}`,
    '--default-target',
    direct.url,
    '--log-level',
    'error',
  ]);
  const bare = start([join(here, 'bare-proxy.cjs'), direct.url, `${barePort}`], {}, root);
  for (const port of [chpPort, barePort]) {
    await waitFor(
      async () => (await get(`http://127.0.0.1:${port}${path}`, bearer)) === 200,
      'a proxy to compare with',
    );
  }
  const routes = {
    direct: [direct.url + path, bearer],
    proxied: [`${plane.url}/api/v1${path}`, person.headers],
    chp: [`http://127.0.0.1:${chpPort}${path}`, bearer],
    bare: [`http://127.0.0.1:${barePort}${path}`, bearer],
  };
  const rates = { direct: [], proxied: [], chp: [], bare: [] };
  for (let round = 0; round < LOAD_ROUNDS; round += 1) {
    for (const [name, [url, headers]] of Object.entries(routes)) rates[name].push(await load(url, headers));
  }
  await Promise.all([end(chp), end(bare)]);
  await plane.end();
  const [d, p, c, b] = [rates.direct, rates.proxied, rates.chp, rates.bare].map(median);
  print(`direct, ${title}`, `${Math.round(d)} GET/s`, 1);
  print(
    '  through the control plane',
    `${Math.round(p)} GET/s`,
    p / d,
    image === 'bench-hello' ? 'goal at least 0.3' : '',
  );
  print('  through configurable-http-proxy', `${Math.round(c)} GET/s`, c / d);
  print('  through a bare undici proxy without a check', `${Math.round(b)} GET/s`, b / d);
  print(
    '  control plane against configurable-http-proxy',
    '',
    p / c,
    image === 'bench-hello' ? 'goal at least 2.5' : '',
  );
}

/** GETs per second. wrk takes less of the shared processor than autocannon, so that it is more the proxies that are measured. */
async function load(url, headers) {
  return HAS_WRK ? await loadWithWrk(url, headers) : await loadWithAutocannon(url, headers);
}

async function loadWithWrk(url, headers) {
  const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const { stdout } = await run('wrk', ['-t1', '-c50', `-d${LOAD_SECONDS}s`, ...fields, url]);
  const failures = /Non-2xx.*|Socket errors.*/.exec(stdout)?.[0];
  if (failures) throw new Error(`${url}: ${failures}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
}

async function loadWithAutocannon(url, headers) {
  const result = await autocannon({ url, headers, connections: 50, duration: LOAD_SECONDS });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} answers other than 2xx, ${result.errors} errors`);
  return result.requests.average;
}

async function bareNode(port) {
  const child = start([join(here, 'bare.cjs'), `${port}`, join(folder, `bare-${port}.sqlite`)], {}, root);
  await firstOk(`http://127.0.0.1:${port}/`);
  child.kill('SIGKILL');
}

function installHelloImage() {
  const image = join(root, 'dist', 'images', 'bench-hello');
  mkdirSync(image, { recursive: true });
  cpSync(join(here, 'hello-image'), image, { recursive: true });
}

function print(what, value, ratio, note = '') {
  console.log(`${what.padEnd(58)} ${value.padStart(14)}  x${ratio.toFixed(2)}  ${note}`.trimEnd());
}
