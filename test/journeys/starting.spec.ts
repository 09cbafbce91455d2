import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { listen } from '@app/common/http/listen';
import { Client } from '../support/client';
import { ControlPlane, endAll, newDataDir } from '../support/control-plane';
import { until } from '../support/until';

afterAll(endAll);

const exitOf = async (plane: ControlPlane) => {
  await until(() => plane.child.exitCode !== null, { what: () => `an end of the process:\n${plane.output}` });
  return plane.child.exitCode;
};

describe('the control plane at its start', () => {
  it('lists everything that is wrong with the configuration, starts nothing and exits 1', async () => {
    const plane = ControlPlane.spawn({
      PORT: '99999',
      LOG_LEVEL: 'loud',
      REGIONS: 'iad,mars',
      SESSION_SECRET: 'hunter2',
    });
    expect(await exitOf(plane)).toBe(1);
    for (const name of ['PORT', 'LOG_LEVEL', 'REGIONS', 'SESSION_SECRET']) expect(plane.output).toContain(name);
    expect(plane.output).not.toContain('hunter2');
    expect(plane.output).not.toMatch(/^\s+at /m);
    expect(plane.descendants()).toEqual([]);
  });

  it('refuses to run tenants unseen inside a machine of Fly', async () => {
    const plane = ControlPlane.spawn({ FLY_APP_NAME: 'todo', FLY_REGION: 'fra' });
    expect(await exitOf(plane)).toBe(1);
    expect(plane.output).toContain('PLATFORM is not set, and this runs on Fly');
    expect(plane.output).not.toMatch(/^\s+at /m);
    expect(plane.descendants()).toEqual([]);
  });

  it('says in a sentence that the port is taken, and leaves nothing running', async () => {
    const server = createServer();
    const { port } = await listen(server, 0, '127.0.0.1');
    const plane = ControlPlane.spawn({ PORT: String(port) });
    expect(await exitOf(plane)).toBe(1);
    server.close();
    expect(plane.output).toContain(`${port}: another program has it`);
    expect(plane.output).not.toMatch(/^\s+at /m);
    await until(() => plane.descendants().length === 0);
  });

  it('waits for another one on the same data, says so once, and takes over', async () => {
    const dataDir = newDataDir();
    const first = await ControlPlane.start({}, dataDir);
    const second = ControlPlane.spawn({}, dataDir);
    await until(() => second.output.includes('waiting'), { what: () => second.output });
    expect(second.output).not.toContain('http://');
    await first.end('SIGKILL');
    await second.listening();
    expect(second.output.match(/waiting/g)).toHaveLength(1);
    expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
    await second.end();
  });

  it('works in a directory with a space in its name, reads .env there, and lets the environment win', async () => {
    const dataDir = join(newDataDir(), 'with a space');
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, '.env'), 'REGIONS=nrt,sin\nIDLE_STOP_SECONDS=7\n');
    const plane = await ControlPlane.start({ IDLE_STOP_SECONDS: '8' }, dataDir);
    const regions = (await (await fetch(`${plane.url}/api/v1/regions`)).json()) as {
      items: { code: string; name: string }[];
    };
    expect(regions.items.map(({ code }) => code)).toEqual(['nrt', 'sin']);
    const ada = new Client(plane);
    expect((await ada.signUp('fra')).status).toBe(422);
    expect((await ada.signUp('nrt')).status).toBe(201);
    await ada.active();
    expect(statSync(join(dataDir, 'session-secret')).mode & 0o777).toBe(0o600);
  });

  it('answers /healthz, /readyz and /metrics', async () => {
    const plane = await ControlPlane.start();
    await Client.withApp(plane);
    expect((await fetch(`${plane.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${plane.url}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${plane.url}/metrics`)).text();
    for (const name of ['http_requests_total', 'tenant_provision_step_duration_seconds', 'tenant_gates'])
      expect(metrics).toContain(name);
  });
});
