import { execFile } from 'node:child_process';
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
