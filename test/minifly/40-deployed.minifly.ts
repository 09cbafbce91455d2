import Database from 'better-sqlite3';
import { execFile, execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '../support/client';
import { png } from '../support/pictures';
import { until } from '../support/until';
import { containersOf, hasNetwork, networksOf, runIn, runningContainer, stopContainer } from './support/docker';
import { RealMinifly } from './support/real-minifly';

const ROOT = resolve(__dirname, '../..');
const CONTROL_PLANE = 'todo-control-plane';

async function deploy(env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)('./run.sh', { cwd: ROOT, env: { ...process.env, ...env } });
  const said = /^To-do is at (http:\S+)$/m.exec(stdout)?.[1];
  if (!said) throw new Error(`No URL in:\n${stdout}`);
  return said.replace('localhost', '127.0.0.1');
}

/** Everything in containers: `./run.sh` deploys fly.toml, and people come to what it says. */
describe('the control plane as a container on Minifly', () => {
  let minifly: RealMinifly;
  let url: string;

  beforeAll(async () => {
    minifly = await RealMinifly.startDefault();
    url = await deploy();
  }, 300_000);
  afterAll(() => minifly.end());

  it('signs somebody up, keeps a to-do with a picture, and lets the tenant go again', async () => {
    const ada = await Client.withApp({ url });
    const todo = await ada.add('from a container to a container', png());
    expect((await ada.todos()).items).toMatchObject([{ title: 'from a container to a container' }]);
    const image = await ada.fetch(`/todos/${todo.id}/image`);
    expect(Buffer.from(await image.arrayBuffer()).equals(png())).toBe(true);
    const { appName } = await ada.tenant();
    expect(await containersOf(appName)).toMatchObject([{ isRunning: true }]);
    expect((await ada.json('DELETE', '/api/v1/me', { password: ada.password })).status).toBe(202);
    await until(async () => (await containersOf(appName)).length === 0, { what: 'the container to go', pollMs: 100 });
  });

  it('never has Docker’s socket', async () => {
    const [container] = await containersOf(CONTROL_PLANE);
    const { stdout } = await promisify(execFile)('docker', ['inspect', container?.id ?? '']);
    expect(stdout).toContain('MINIFLY_LOCATOR=/data/locator');
    expect(stdout).not.toContain('docker.sock');
  });

  it('says on the row and the page of a deletion what it may not do itself, and goes on when somebody has', async () => {
    const ada = await Client.withApp({ url });
    const { appName } = await ada.tenant();
    const container = await runningContainer(appName);
    await minifly.restart();
    expect(await ada.titles()).toEqual([]); // what runs is served on
    const deleted = await ada.json('DELETE', '/api/v1/me', { password: ada.password });
    const { page } = (await deleted.json()) as { page: string };
    const why = /Minifly does not know the machine (\w+) any more.* (docker rm -f \S+ ps -aqf [^\s<]+)/;
    const shown = await until(async () => why.exec(await ada.page(page)), { what: 'the reason', pollMs: 100 });
    expect(lastErrorOf(appName)).toMatchObject({ code: 'conflict', detail: expect.stringMatching(why) as string });
    expect(await runningContainer(appName)).toBe(container);

    execFileSync('/bin/sh', ['-c', shown[2] ?? 'false'], { stdio: 'ignore' });
    const isDone = async () => (await ada.page(page)).includes('Your account is deleted');
    await until(isDone, { what: 'the deletion', pollMs: 200, ms: 40_000 });
    expect(await containersOf(appName)).toEqual([]);
  }, 90_000);

  /** From the control plane's own database, on its volume. */
  function lastErrorOf(appName: string): unknown {
    const database = new Database(join(minifly.volumeDir(CONTROL_PLANE, 'data'), 'control-plane.sqlite'), {
      readonly: true,
    });
    const error = database
      .prepare('SELECT last_error FROM user_apps WHERE app_name = ?')
      .pluck()
      .get(appName) as string;
    database.close();
    return JSON.parse(error);
  }

  it('is replaced by a second deployment, with everything kept, also after Minifly has forgotten it', async () => {
    const ada = await Client.withApp({ url });
    await ada.add('kept over a deployment');
    const [before] = await containersOf(CONTROL_PLANE);
    await minifly.restart();
    url = await deploy();
    const again = new Client({ url }, ada.email);
    again.cookie = ada.cookie;
    expect((await again.todos()).items.map(({ title }) => title)).toEqual(['kept over a deployment']);
    const after = await containersOf(CONTROL_PLANE);
    expect(after).toMatchObject([{ isRunning: true }]);
    expect(after[0]?.id).not.toBe(before?.id);
  }, 120_000);
});

/** The same with LiteFS: `docker/minifly.sh --litefs`, and MINIFLY_LITEFS=1 for `./run.sh`. */
describe('the control plane as a container on Minifly, with tenants on LiteFS', () => {
  let minifly: RealMinifly;
  let url: string;

  beforeAll(async () => {
    minifly = await RealMinifly.startDefault('--litefs');
    url = await deploy({ MINIFLY_LITEFS: '1' });
  }, 300_000);
  afterAll(() => minifly.end());

  it('signs somebody up, whose to-do lies on a real LiteFS mount and is there after a restart of the container', async () => {
    const ada = await Client.withApp({ url });
    const todo = await ada.add('kept on LiteFS', png());
    const { appName } = await ada.tenant();
    const container = await runningContainer(appName);
    expect(runIn(container, 'findmnt', '-n', '-o', 'SOURCE', '--mountpoint', '/litefs').said).toBe('litefs\n');
    expect(runIn(container, 'ls', '/litefs').said.split('\n')).toContain('todos.sqlite');
    expect(Object.keys(await networksOf(container))).toEqual([appName]);

    expect(await stopContainer(container)).toBe(0);
    await until(async () => (await ada.fetch('/api/v1/todos')).status === 200, { what: 'an answer', pollMs: 100 });
    expect(await ada.titles()).toEqual(['kept on LiteFS']);
    const image = await ada.fetch(`/todos/${todo.id}/image`);
    expect(Buffer.from(await image.arrayBuffer()).equals(png())).toBe(true);
    expect(await runningContainer(appName)).toBe(container);
  });

  it('lets the tenant go with its container, its data and its network', async () => {
    const ada = await Client.withApp({ url });
    await ada.add('to be forgotten');
    const { appName } = await ada.tenant();
    expect((await ada.json('DELETE', '/api/v1/me', { password: ada.password })).status).toBe(202);
    const [volume = ''] = readdirSync(join(minifly.dataDir, 'minifly-data', appName, 'volumes'));
    const isEmpty = () => readdirSync(minifly.volumeDir(appName, volume)).length === 0;
    await until(isEmpty, { what: 'the data to go', pollMs: 100 });
    await until(async () => !(await hasNetwork(appName)), { what: 'the network to go', pollMs: 100 });
    expect(await containersOf(appName)).toEqual([]);
  });
});
