import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { Client } from '../support/client';
import { ControlPlane, endAll, newDataDir } from '../support/control-plane';
import { freePort, Minifly } from '../support/minifly';
import { machinePid } from '../support/processes';
import { until } from '../support/until';

afterAll(endAll);

const volumesOf = (plane: ControlPlane) => join(plane.dataDir, 'embedded', 'volumes');

async function stoppedTenant(): Promise<{ plane: ControlPlane; ada: Client; appName: string }> {
  const plane = await ControlPlane.start({ IDLE_STOP_SECONDS: '1' });
  const ada = await Client.withApp(plane);
  await ada.add('irreplaceable');
  const { appName } = await ada.tenant();
  await until(() => machinePid(appName) === undefined, { what: 'the machine to stop' });
  return { plane, ada, appName };
}

describe('a volume that is gone', () => {
  it('makes the tenant failed with volume_missing, never an empty list; and back in place, a retry finds everything', async () => {
    const { plane, ada, appName } = await stoppedTenant();
    const [volume = ''] = readdirSync(volumesOf(plane));
    renameSync(join(volumesOf(plane), volume), join(plane.dataDir, 'saved'));

    const refused = await ada.fetch('/api/v1/todos');
    expect(refused.status).toBe(503);
    const tenant = await until(async () => {
      const seen = await ada.tenant();
      return seen.status === 'failed' && seen;
    });
    expect(tenant.progress?.error).toMatchObject({ code: 'volume_missing' });
    expect(await ada.page('/dashboard')).not.toContain('action="/todos?key=');
    expect((await ada.json('POST', '/api/v1/tenant/retry', {})).status).toBe(202);
    await until(async () => (await ada.tenant()).status === 'failed');
    expect(machinePid(appName)).toBeUndefined();
    expect(readdirSync(volumesOf(plane)).filter((name) => name !== volume)).toEqual([]);

    rmSync(join(volumesOf(plane), volume), { recursive: true, force: true });
    renameSync(join(plane.dataDir, 'saved'), join(volumesOf(plane), volume));
    expect((await ada.json('POST', '/api/v1/tenant/retry', {})).status).toBe(202);
    await ada.active();
    expect((await ada.todos()).items.map(({ title }) => title)).toEqual(['irreplaceable']);
  }, 60_000);

  it('or emptied, is noticed by the id of its database', async () => {
    const { plane, ada } = await stoppedTenant();
    const [volume = ''] = readdirSync(volumesOf(plane));
    rmSync(join(volumesOf(plane), volume), { recursive: true });
    mkdirSync(join(volumesOf(plane), volume));
    expect((await ada.fetch('/api/v1/todos')).status).toBe(503);
    const tenant = await until(async () => {
      const seen = await ada.tenant();
      return seen.status === 'failed' && seen;
    });
    expect(tenant.progress?.error).toMatchObject({ code: 'volume_missing' });
  }, 60_000);
});

describe('a machine that is gone', () => {
  it('is believed gone after three looks, then remade on its volume', async () => {
    const minifly = new Minifly(await freePort(), join(newDataDir(), 'platform'));
    await minifly.start();
    const plane = await ControlPlane.start({
      MINIFLY_API_URL: minifly.url,
      PLATFORM: 'embedded',
      IDLE_STOP_SECONDS: '1',
      MACHINE_GONE_SECONDS: '2',
      WAKE_HOLD_SECONDS: '1',
    });
    const ada = await Client.withApp(plane);
    await ada.add('still on the volume');
    const { appName, regions } = await ada.tenant();
    await until(() => machinePid(appName) === undefined, { what: 'the machine to stop' });
    const machine = `${minifly.url}/v1/apps/${appName}/machines/${regions[0]?.machineId}`;
    expect((await request(machine, { method: 'DELETE' })).statusCode).toBe(200);

    expect((await ada.fetch('/api/v1/todos')).status).toBe(503);
    await sleep(500);
    expect((await ada.tenant()).status).toBe('provisioning');
    const remade = await ada.active(30_000);
    expect(remade.regions[0]?.machineId).not.toBe(regions[0]?.machineId);
    expect((await ada.todos()).items.map(({ title }) => title)).toEqual(['still on the volume']);
    await plane.end();
    await minifly.end();
  }, 60_000);
});

describe('an account that is deleted', () => {
  it('takes machine, volume and app along, then itself; the e-mail is free again', async () => {
    const plane = await ControlPlane.start();
    const ada = await Client.withApp(plane);
    await ada.add('to be forgotten');
    const { appName } = await ada.tenant();
    const wrong = await ada.json('DELETE', '/api/v1/me', { password: 'something else' });
    expect(wrong.status).toBe(403);
    expect((await ada.todos()).counts.all).toBe(1);

    const cookie = ada.cookie;
    expect((await ada.json('DELETE', '/api/v1/me', { password: ada.password })).status).toBe(202);
    ada.cookie = cookie;
    expect((await ada.fetch('/api/v1/todos')).status).toBe(401);
    await until(() => machinePid(appName) === undefined, { what: 'the machine to go' });
    await until(() => readdirSync(volumesOf(plane)).length === 0, { what: 'the volume to go' });

    const next = new Client(plane, ada.email);
    await until(async () => (await next.signUp()).status === 201, { what: 'the e-mail to be free' });
    await next.active();
    expect((await next.todos()).counts.all).toBe(0);
    expect((await next.tenant()).appName).not.toBe(appName);
  }, 60_000);
});
