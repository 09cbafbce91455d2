// Makes the image `dist/images/tenant-todo/` from what `nest build tenant-todo` left: the bundle, a loader that starts it from
// V8's cached data, and that data, taken after the app has served requests, so that it holds the functions those compiled.
import { spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '..');
const image = join(root, 'dist/images/tenant-todo');

// A tenant is small: the collector runs often in a little space instead of seldom in a large one.
const nodeFlags = ['--max-semi-space-size=1', '--max-old-space-size=128'];

/** In a process of the image's own flags: cached data is good only for the flags that it was made with. */
const WRITE_CACHE_AT_EXIT = `
  const { script, cacheFile } = require(process.argv[1]);
  process.on('exit', () => require('node:fs').writeFileSync(cacheFile, script.createCachedData()));
`;

await mkdir(image, { recursive: true });
for (const name of await readdir(image)) if (name.endsWith('.cache')) await rm(join(image, name));
await replaceFile('main.js', await readFile(join(root, 'dist/apps/tenant-todo/main.js')));
await replaceFile('start.js', await readFile(join(root, 'apps/tenant-todo/start.js')));
await replaceFile('image.json', `${JSON.stringify({ command: ['node', ...nodeFlags, 'start.js'], port: 3000 })}\n`);
console.log(`Made dist/images/tenant-todo, cached data: ${await makeCache()}`);

/** A machine that starts meanwhile finds the old file or the new one, never half of one. */
async function replaceFile(name, content) {
  await writeFile(join(image, `${name}.new`), content);
  await rename(join(image, `${name}.new`), join(image, name));
}

/** Runs the image on an empty directory, uses it, and has the process write its compiled code when it ends. */
async function makeCache() {
  const directory = await mkdtemp(join(tmpdir(), 'tenant-todo-'));
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'build' };
  let child;
  try {
    child = spawn(process.execPath, [...nodeFlags, '-e', WRITE_CACHE_AT_EXIT, join(image, 'start.js')], {
      env: {
        TENANT_ID: 'build',
        APP_NAME: 'build',
        TENANT_TOKEN_KEYS: JSON.stringify({ keys: [jwk] }),
        DATA_DIR: join(directory, 'data'),
        HOST: '127.0.0.1',
        PORT: '0',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const lines = createInterface(child.stdout);
    const [firstLine] = await Promise.race([once(lines, 'line'), exited.then(ended)]);
    const { port, databaseId } = JSON.parse(firstLine);
    await useOnce(`http://127.0.0.1:${port}`, signToken(privateKey, databaseId));
    lines.on('line', () => {}); // keeps the pipe empty
    child.kill('SIGTERM');
    const [code] = await exited;
    if (code !== 0) ended([code]);
  } finally {
    child?.kill('SIGKILL'); // where something went wrong; else it has ended
    await rm(directory, { recursive: true, force: true });
  }
  const names = await readdir(image);
  return names.find((name) => name.endsWith('.cache')) ?? ended(['no cached data']);
}

function ended([code]) {
  throw new Error(`The tenant ended (${code}) while its cached data was made.`);
}

/** What the first requests after a wake are, and the errors that come first: whatever ran is in the cached data. */
async function useOnce(url, token) {
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );
  const form = formOf(png);
  form.set('title', 'With a picture');
  const json = { 'content-type': 'application/json' };
  const send = async (method, path, options, expected) => {
    const headers = { authorization: `Bearer ${token}`, ...options.headers };
    const response = await fetch(url + path, { ...options, method, headers });
    const body = await response.text();
    if (response.status !== expected)
      throw new Error(`${method} ${path}: ${response.status}, not ${expected}. ${body}`);
    return { etag: response.headers.get('etag'), ...(body.startsWith('{') && JSON.parse(body)) };
  };
  await send('GET', '/readyz', {}, 200);
  await send('GET', '/healthz', {}, 200);
  await send('GET', '/todos', { headers: { authorization: '' } }, 401);
  const headers = { ...json, 'idempotency-key': 'build' };
  const { id } = await send('POST', '/todos', { headers, body: JSON.stringify({ title: 'One' }) }, 201);
  const { id: pictured, etag } = await send('POST', '/todos', { body: form }, 201);
  await send('PUT', `/todos/${id}/image`, { body: formOf(png) }, 200);
  await send('GET', '/todos?filter=all&q=one&limit=1', {}, 200);
  await send('GET', '/todos', {}, 200);
  await send('GET', `/todos/${pictured}`, { headers: { 'if-none-match': etag } }, 304);
  await send('GET', `/todos/${pictured}/image`, {}, 200);
  const thumbnail = await send('GET', `/todos/${pictured}/thumbnail`, {}, 200);
  await send('GET', `/todos/${pictured}/thumbnail`, { headers: { 'if-none-match': thumbnail.etag } }, 304);
  const patch = { headers: { ...json, 'if-match': etag }, body: JSON.stringify({ completed: true }) };
  await send('PATCH', `/todos/${pictured}`, patch, 200);
  await send('PATCH', `/todos/${pictured}`, patch, 412);
  await send('POST', '/todos', { headers: json, body: JSON.stringify({ title: '', other: 1 }) }, 422);
  await send('GET', '/todos/none', {}, 404);
  await send('GET', '/none', {}, 404);
  await send('DELETE', `/todos/${id}/image`, {}, 204);
  const move = { headers: json, body: JSON.stringify({ before: null }) };
  await send('POST', `/todos/${pictured}/move`, move, 200);
  await send('DELETE', `/todos/${id}`, {}, 204);
  await send('POST', `/todos/${id}/restore`, {}, 200);
  await send('GET', '/usage', {}, 200);
  await send('HEAD', '/events', {}, 200);
  const { exportedAt, ...exported } = await send('GET', '/export', {}, 200);
  await send('POST', '/import?dryRun=1', { headers: json, body: JSON.stringify({ exportedAt, ...exported }) }, 200);
  await send('GET', '/export?format=sqlite', {}, 200);
}

function formOf(png) {
  const form = new FormData();
  form.set('image', new Blob([png]), 'a.png');
  return form;
}

function signToken(privateKey, dbid) {
  const now = Math.floor(Date.now() / 1000);
  const parts = [
    { alg: 'EdDSA', typ: 'tenant+jwt', kid: 'build' },
    { aud: 'build', sub: 'build', dbid, epoch: 1, iat: now, exp: now + 300 },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  return [...parts, sign(null, Buffer.from(parts.join('.')), privateKey).toString('base64url')].join('.');
}
