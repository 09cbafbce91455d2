import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../support/client';
import { ControlPlane, endAll, newDataDir, useTenantsOn } from '../support/control-plane';
import { png } from '../support/pictures';
import { until } from '../support/until';
import { containersOf, kill, removeByHand } from './support/docker';
import { RealMinifly } from './support/real-minifly';

/** What happens to tenants in containers, from the sign-up to the end of the account. */
let minifly: RealMinifly;

beforeAll(async () => {
  minifly = await RealMinifly.start();
  useTenantsOn(minifly.env);
});
afterEach(endAll);
afterAll(() => minifly.end());

const appOf = async (client: Client) => (await client.tenant()).appName;
const runningOf = async (appName: string) => (await containersOf(appName)).filter(({ isRunning }) => isRunning);
const volumesOf = (appName: string) => readdirSync(join(minifly.dataDir, 'minifly-data', appName, 'volumes'));

describe('a tenant in a container', () => {
  it('is stopped when nobody uses it, and woken once by many requests, with to-dos and pictures', async () => {
    const plane = await ControlPlane.start({ IDLE_STOP_SECONDS: '1' });
    const ada = await Client.withApp(plane);
    const todo = await ada.add('kept over sleep', png());
    const appName = await appOf(ada);
    await ada.asleep();
    expect(await containersOf(appName)).toMatchObject([{ isRunning: false }]);

    const lists = await Promise.all(Array.from({ length: 20 }, () => ada.todos()));
    expect(lists.every(({ counts }) => counts.all === 1)).toBe(true);
    expect(plane.events('tenant.woken')).toHaveLength(1);
    const image = await ada.fetch(`/todos/${todo.id}/image`);
    expect(Buffer.from(await image.arrayBuffer()).equals(png())).toBe(true);
    expect(await containersOf(appName)).toMatchObject([{ isRunning: true }]);
  });

  it('goes with its container and its data when the account is deleted, and the e-mail is free again', async () => {
    const plane = await ControlPlane.start();
    const ada = await Client.withApp(plane);
    await ada.add('to be forgotten');
    const appName = await appOf(ada);
    const [volume = ''] = volumesOf(appName);
    expect(readdirSync(minifly.volumeDir(appName, volume))).not.toEqual([]);
    expect((await ada.json('DELETE', '/api/v1/me', { password: ada.password })).status).toBe(202);
    const next = new Client(plane, ada.email);
    await until(async () => (await next.signUp()).status === 201, { what: 'the e-mail to be free', pollMs: 100 });
    expect(await containersOf(appName)).toEqual([]);
    expect(readdirSync(minifly.volumeDir(appName, volume))).toEqual([]);
  });

  it('is one of many, each with its own, in two regions', async () => {
    const plane = await ControlPlane.start();
    const regions = ['fra', 'syd', 'fra', 'syd', 'fra', 'syd'];
    const clients = await Promise.all(regions.map((region) => Client.withApp(plane, region)));
    await Promise.all(clients.map((client, i) => client.add(`of person ${i}`)));
    const names = new Set<string>();
    for (const [i, client] of clients.entries()) {
      expect(await client.titles()).toEqual([`of person ${i}`]);
      const tenant = await client.tenant();
      names.add(tenant.appName);
      expect(tenant.regions).toMatchObject([{ region: regions[i], status: 'active', machineState: 'started' }]);
      expect(await runningOf(tenant.appName)).toHaveLength(1);
      expect(volumesOf(tenant.appName)).toHaveLength(1);
    }
    expect(names.size).toBe(regions.length);
  });
});

describe('a volume whose directory is gone', () => {
  it('makes the tenant failed, never an empty list: Minifly makes the directory anew without a word', async () => {
    const plane = await ControlPlane.start({ IDLE_STOP_SECONDS: '1' });
    const ada = await Client.withApp(plane);
    await ada.add('irreplaceable');
    const appName = await appOf(ada);
    await ada.asleep();
    const [volume = ''] = volumesOf(appName);
    const saved = join(minifly.dataDir, 'saved');
    renameSync(minifly.volumeDir(appName, volume), saved);

    expect((await ada.fetch('/api/v1/todos')).status).toBe(503);
    const failed = await until(async () => {
      const tenant = await ada.tenant();
      return tenant.status === 'failed' && tenant;
    });
    expect(failed.progress?.error).toMatchObject({ code: 'volume_missing' });
    expect(await runningOf(appName)).toEqual([]);

    rmSync(minifly.volumeDir(appName, volume), { recursive: true });
    renameSync(saved, minifly.volumeDir(appName, volume));
    expect((await ada.json('POST', '/api/v1/tenant/retry', {})).status).toBe(202);
    await ada.active();
    expect(await ada.titles()).toEqual(['irreplaceable']);
  });
});

describe('Minifly killed and started again', () => {
  it('interrupts nobody whose tenant runs, and forgotten tenants sleep and wake as before', async () => {
    const plane = await ControlPlane.start({ IDLE_STOP_SECONDS: '2' });
    const ada = await Client.withApp(plane);
    const appName = await appOf(ada);
    const [before] = await containersOf(appName);
    const written: string[] = [];
    const write = async () => {
      written.push((await ada.add(`write ${written.length}`)).title);
      await sleep(20);
    };
    for (let i = 0; i < 10; i += 1) await write();
    await minifly.kill();
    for (let i = 0; i < 20; i += 1) await write();
    await minifly.start();
    for (let i = 0; i < 10; i += 1) await write();
    expect((await ada.titles()).sort()).toEqual([...written].sort());
    expect(await containersOf(appName)).toEqual([before]);

    await ada.asleep();
    expect((await ada.titles()).sort()).toEqual([...written].sort());
    const [after, ...more] = await containersOf(appName);
    expect(more).toEqual([]);
    expect(after?.machineId).not.toBe(before?.machineId);
  });

  it('changes nothing for who comes meanwhile: they are told to come again, and a sign-up goes on', async () => {
    const plane = await ControlPlane.start({ IDLE_STOP_SECONDS: '1' });
    const ada = await Client.withApp(plane);
    await ada.add('kept');
    await ada.asleep();
    await minifly.kill();
    const refused = await ada.fetch('/api/v1/todos');
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'platform_unavailable' });
    expect((await ada.tenant()).status).toBe('active');
    const bob = new Client(plane);
    expect((await bob.signUp()).status).toBe(201);
    await until(async () => (await bob.tenant()).progress?.error, { what: 'the reason on the row', pollMs: 100 });
    expect((await bob.tenant()).progress?.error).toMatchObject({ code: 'platform_unavailable' });
    await minifly.start();
    await bob.active(40_000);
    expect(await ada.titles()).toEqual(['kept']);
  }, 90_000);
});

describe('a container', () => {
  it.each([
    ['removed by hand', removeByHand],
    ['killed', kill],
  ])('%s comes back with the next request and everything in it', async (_, harm) => {
    const plane = await ControlPlane.start();
    const ada = await Client.withApp(plane);
    await ada.add('kept');
    const appName = await appOf(ada);
    await harm(appName);
    // The engine tells at once; a request is not needed to see it.
    await ada.asleep();
    expect(await ada.titles()).toEqual(['kept']);
    expect(await runningOf(appName)).toHaveLength(1);
    expect(volumesOf(appName)).toHaveLength(1);
  });
});

describe('the control plane', () => {
  it.each([0, 100, 400, 800, 1200])(
    'killed %i ms into provisioning goes on at its next start, with one container and one volume',
    async (ms) => {
      const dataDir = newDataDir();
      const first = await ControlPlane.start({}, dataDir);
      const ada = new Client(first);
      expect((await ada.signUp()).status).toBe(201);
      await sleep(ms);
      await first.end('SIGKILL');
      const second = await ControlPlane.start({}, dataDir);
      const again = ada.at(second);
      const { appName } = await again.active(40_000);
      await again.add('after the crash');
      expect(await again.titles()).toEqual(['after the crash']);
      expect(await containersOf(appName)).toMatchObject([{ isRunning: true }]);
      expect(volumesOf(appName)).toHaveLength(1);
      await second.end();
    },
  );

  it('started again takes up what runs', async () => {
    const dataDir = newDataDir();
    const first = await ControlPlane.start({}, dataDir);
    const ada = await Client.withApp(first);
    await ada.add('kept');
    const appName = await appOf(ada);
    const [before] = await containersOf(appName);
    await first.end();
    expect(await containersOf(appName)).toEqual([before]);
    const second = await ControlPlane.start({}, dataDir);
    expect(await ada.at(second).titles()).toEqual(['kept']);
    expect(await containersOf(appName)).toEqual([before]);
  });

  it('with other keys gives a tenant them when it wakes', async () => {
    const dataDir = newDataDir();
    const first = await ControlPlane.start({ SESSION_SECRET: 'the first secret of the test' }, dataDir);
    const ada = await Client.withApp(first);
    await ada.add('kept');
    const appName = await appOf(ada);
    const [before] = await containersOf(appName);
    await first.end();
    const env = { SESSION_SECRET: 'the second secret of the test,the first secret of the test' };
    const second = await ControlPlane.start(env, dataDir);
    expect(await ada.at(second).titles()).toEqual(['kept']);
    const [after] = await runningOf(appName);
    expect(after?.machineId).not.toBe(before?.machineId);
  });
});
