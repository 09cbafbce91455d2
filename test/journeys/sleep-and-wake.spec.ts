import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';
import { machinePid } from '../support/processes';
import { until } from '../support/until';

afterAll(endAll);

describe('a tenant that nobody uses', () => {
  let plane: ControlPlane;
  let ada: Client;
  let appName: string;

  beforeAll(async () => {
    plane = await ControlPlane.start({ IDLE_STOP_SECONDS: '1' });
    ada = await Client.withApp(plane);
    appName = (await ada.tenant()).appName;
    await ada.add('kept over sleep');
  });

  it('is stopped, and woken by the next request, with everything there', async () => {
    await ada.asleep();
    expect(machinePid(appName)).toBeUndefined(); // looking at the tenant asks no machine
    expect((await ada.todos()).items.map(({ title }) => title)).toEqual(['kept over sleep']);
    expect(machinePid(appName)).toBeGreaterThan(0);
  });

  it('is started once for many requests at once', async () => {
    await ada.asleep();
    const before = plane.events('tenant.woken').length;
    const lists = await Promise.all(Array.from({ length: 20 }, () => ada.todos()));
    expect(lists.every(({ counts }) => counts.all === 1)).toBe(true);
    expect(plane.events('tenant.woken').length - before).toBe(1);
  });

  it('sleeps on under an open dashboard, and a click wakes it', async () => {
    const stop = new AbortController();
    const stream = await ada.fetch('/api/v1/tenant/events', { signal: stop.signal });
    let heard = '';
    const reading = (async () => {
      for await (const chunk of stream.body ?? []) heard += Buffer.from(chunk as Uint8Array).toString();
    })().catch(() => undefined);
    await ada.asleep();
    await until(() => heard.includes('"machineState":"stopped"'), { what: () => `stopped in:\n${heard}` });
    await sleep(1500);
    expect(machinePid(appName)).toBeUndefined();

    await ada.add('a click');
    expect(machinePid(appName)).toBeGreaterThan(0);
    await until(() => heard.includes('event: changed'), { what: () => `changed in:\n${heard}` });
    stop.abort();
    await reading;
  });

  it('is not stopped while a direct token may be in use', async () => {
    const token = await ada.fetch('/api/v1/tenant/token', { method: 'POST' });
    const { url, token: bearer } = (await token.json()) as { url: string; token: string };
    await sleep(2500);
    expect((await fetch(`${url}/todos`, { headers: { authorization: `Bearer ${bearer}` } })).status).toBe(200);
  });

  it('does not wake for OPTIONS, for a page that needs no list, or for a bad path', async () => {
    const bob = await Client.withApp(plane);
    const { appName: bobsApp } = await bob.tenant();
    await until(() => machinePid(bobsApp) === undefined);
    await bob.fetch('/api/v1/todos', { method: 'OPTIONS' });
    await bob.fetch('/region/fra');
    await bob.fetch('/api/v1/tenant');
    await bob.fetch('/api/v1/todos/%2e%2e/x');
    await sleep(300);
    expect(machinePid(bobsApp)).toBeUndefined();
  });
});
