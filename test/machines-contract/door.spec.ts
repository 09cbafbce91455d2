import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Api } from './support/api';
import {
  builtMain,
  IMAGES,
  newStateDir,
  removeStateDir,
  socketArgs,
  spawnPlatform,
  startAlone,
  startOnSocket,
  type EmbeddedPlatform,
} from './support/embedded';
import { newApp, newMachine, start } from './support/fixtures';
import { eventually, isAlive, processesIn } from './support/processes';
import { aText } from './support/matchers';

/** Who gets in, and how it ends. */
describe('the door of the embedded platform', () => {
  let stateDir: string;

  beforeEach(() => {
    stateDir = newStateDir();
  });

  afterEach(() => removeStateDir(stateDir));

  describe('on its own, on a port', () => {
    let platform: EmbeddedPlatform;
    let api: Api;

    beforeEach(async () => {
      platform = await startAlone(stateDir);
      api = new Api(platform.baseUrl);
    });

    afterEach(async () => {
      await api.close();
      await platform.stop();
    });

    it('listens on loopback alone and says what the control plane needs', () => {
      expect(platform.baseUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(platform.output()).toContain(`export PLATFORM=embedded MINIFLY_API_URL=${platform.baseUrl}`);
    });

    it.each([
      ['a name that was made to point here', { host: 'evil.example:4280' }],
      ['a page of another site', { origin: 'https://evil.example' }],
      ['a page without an origin', { origin: 'null' }],
      ['a page on another port of this computer', { origin: 'http://127.0.0.1:1' }],
      ['a cross-site request', { 'sec-fetch-site': 'cross-site' }],
    ])('refuses %s', async (_, headers) => {
      const body = { app_name: 'refused', org_slug: 'o' };
      expect((await api.call('POST', '/v1/apps', { body, headers })).status).toBe(403);
      expect((await api.call('GET', '/healthz', { headers })).status).toBe(403);
      expect((await api.call('GET', '/v1/apps/refused')).status).toBe(404);
    });

    it('refuses a body that a form could send, one that is no JSON, and one that is too large', async () => {
      const raw = '{"app_name":"refused","org_slug":"o"}';
      const asText = { raw, headers: { 'content-type': 'text/plain' } };
      expect((await api.call('POST', '/v1/apps', asText)).status).toBe(415);
      expect(await api.call('POST', '/v1/apps', { raw: '{"app_name":' })).toMatchObject({
        status: 400,
        body: { error: 'invalid_argument: the body is not valid JSON' },
      });
      expect((await api.call('POST', '/v1/apps', { raw: '[]' })).status).toBe(400);
      expect((await api.call('POST', '/v1/apps')).status).toBe(400);
      expect((await api.call('POST', '/v1/apps', { raw: Buffer.alloc(1024 * 1024 + 1, ' ') })).status).toBe(413);
      expect((await api.call('GET', '/v1/apps/refused')).status).toBe(404);
    });

    it('answers unknown paths and methods in JSON', async () => {
      expect(await api.call('GET', '/v1/nothing')).toMatchObject({ status: 404, body: { error: aText } });
      expect(await api.call('PUT', '/v1/apps')).toMatchObject({ status: 405, body: { error: aText } });
      expect((await api.call('GET', '/v1/apps/%ff')).status).toBe(400);
      expect((await api.call('GET', '/healthz')).status).toBe(200);
    });

    it('stops its machines on SIGTERM and exits 0', async () => {
      const app = await newApp(api);
      const { id } = await newMachine(api, app);
      await start(api, app, id);
      expect(await platform.stop()).toBe(0);
      await eventually('its processes are gone', () => processesIn(stateDir).length === 0, 1000);
    });
  });

  it('is reached through a socket in a folder that is closed to others', async () => {
    const platform = await startOnSocket(stateDir);
    expect(statSync(dirname(platform.baseUrl)).mode & 0o777).toBe(0o700);
    expect(statSync(platform.baseUrl).mode & 0o777).toBe(0o600);
    expect(statSync(stateDir).mode & 0o777).toBe(0o700);
    const api = new Api(platform.baseUrl);
    expect((await api.call('GET', '/healthz')).status).toBe(200);
    await api.close();
    await platform.stop();
  });

  it('does not open a socket in a folder of others', () => {
    const folder = join(stateDir, 'run');
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    const { status, stderr } = spawnSync(process.execPath, [builtMain(), ...socketArgs(stateDir)], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toContain('Give it mode 0700');
  });

  it('ends, machines first, when the pipe of its parent ends', async () => {
    const platform = await startOnSocket(stateDir);
    const api = new Api(platform.baseUrl);
    const app = await newApp(api);
    const { id } = await newMachine(api, app);
    await start(api, app, id);
    const exited = new Promise((done) => platform.process.once('exit', done));
    platform.process.stdio[3]?.destroy();
    expect(await exited).toBe(0);
    expect(platform.output()).toMatch(/the parent is gone[^]*machine\.exited[^]*shutdown\.finished/);
    await eventually('its processes are gone', () => processesIn(stateDir).length === 0, 1000);
    await api.close();
  });

  it('ends also while it waits for the platform before it', async () => {
    const first = await startOnSocket(stateDir);
    const second = spawnPlatform(socketArgs(stateDir));
    let written = '';
    second.stdout?.on('data', (chunk: Buffer) => (written += chunk.toString()));
    await eventually('the second waits', () => written.includes('platform.waits_for_another'));
    second.stdio[3]?.destroy();
    await eventually('the second ends', () => !isAlive(second.pid ?? 0));
    await first.stop();
  });

  it.each([
    ['without a pipe from its parent', ['--state-dir', 'x', '--images', IMAGES, '--socket', 'x/s'], {}, 'pipe on fd 3'],
    ['without a state directory', ['--images', IMAGES, '--socket', 's'], {}, '--state-dir is missing'],
    ['with an unknown option', ['--alone', '--fast'], {}, '--fast'],
    ['with a port that is none', ['--alone'], { MINIFLY_API_PORT: '70000' }, 'MINIFLY_API_PORT'],
    ['with a socket path that the system cannot take', ['--socket', '/x'.repeat(100)], {}, 'longer than'],
  ])('ends with 1 and a sentence %s', (_, args, env, says) => {
    const { status, stderr } = spawnSync(process.execPath, [builtMain(), ...args], {
      cwd: stateDir,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toContain(says);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
