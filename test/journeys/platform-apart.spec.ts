import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../support/client';
import { ControlPlane, endAll, newDataDir } from '../support/control-plane';
import { freePort, Minifly } from '../support/minifly';
import { machinePid } from '../support/processes';

describe('a platform that was started alone', () => {
  let minifly: Minifly;
  let env: Record<string, string>;

  beforeEach(async () => {
    minifly = new Minifly(await freePort(), join(newDataDir(), 'platform'));
    env = { MINIFLY_API_URL: minifly.url, PLATFORM: 'embedded' };
  });
  afterEach(() => minifly.end());
  afterAll(endAll);

  it('may be down at the sign-up: the account is there, and provisioning goes on when it is back', async () => {
    const plane = await ControlPlane.start(env);
    const ada = new Client(plane);
    expect((await ada.signUp()).status).toBe(201);
    await sleep(1000);
    expect((await ada.fetch('/api/v1/me')).status).toBe(200);
    expect((await ada.tenant()).status).toBe('provisioning');
    expect((await ada.tenant()).progress?.error).toMatchObject({ code: 'platform_unavailable' });
    expect(await ada.page('/dashboard')).not.toContain('action="/todos?key=');

    await minifly.start();
    await ada.active(30_000);
    await ada.add('late but there');
    expect((await ada.todos()).counts.all).toBe(1);
  }, 60_000);

  it('keeps its machines over a restart of the control plane, and they are taken up again', async () => {
    await minifly.start();
    const dataDir = newDataDir();
    const first = await ControlPlane.start(env, dataDir);
    const ada = await Client.withApp(first);
    await ada.add('kept');
    const { appName } = await ada.tenant();
    const machine = machinePid(appName);
    expect(machine).toBeGreaterThan(0);
    await first.end('SIGKILL');
    await sleep(300);
    expect(machinePid(appName)).toBe(machine);

    const second = await ControlPlane.start({ ...env, IDLE_STOP_SECONDS: '2' }, dataDir);
    const again = new Client(second, ada.email);
    again.cookie = ada.cookie;
    expect((await again.todos()).items.map(({ title }) => title)).toEqual(['kept']);
    expect(machinePid(appName)).toBe(machine);
    await sleep(4500);
    expect(machinePid(appName)).toBeUndefined(); // the idle stop counts again
  }, 60_000);

  it('that cannot be asked changes nothing: a running tenant is served, and nothing on record moves', async () => {
    await minifly.start();
    const plane = await ControlPlane.start({ ...env, IDLE_STOP_SECONDS: '1' });
    const ada = await Client.withApp(plane);
    await sleep(2500); // asleep
    await minifly.end();
    const refused = await ada.fetch('/api/v1/todos');
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: 'platform_unavailable' });
    expect((await ada.tenant()).status).toBe('active');
    await minifly.start();
    expect((await ada.todos()).counts.all).toBe(0);
  }, 60_000);
});
