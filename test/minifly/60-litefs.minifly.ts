import { LocatorContainers } from '@app/minifly-client/locator-containers';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '../support/client';
import { ControlPlane, endAll, useTenantsOn } from '../support/control-plane';
import { until } from '../support/until';
import {
  bridgeGateway,
  containersOf,
  hasNetwork,
  networksOf,
  runBeside,
  runIn,
  runningContainer,
} from './support/docker';
import { RealMinifly } from './support/real-minifly';

/** Tenants on LiteFS in Minifly's containers, by the filter in front of Docker's socket: `docker/minifly.sh --litefs`. */
let minifly: RealMinifly;

beforeAll(async () => {
  minifly = await RealMinifly.start('--litefs');
  useTenantsOn({ ...minifly.env, MINIFLY_LITEFS: '1' });
});
afterEach(endAll);
afterAll(() => minifly.end());

const LITEFS_PORT = 20202;
/** What `timeout` ends with: nothing answers, because Docker drops what goes from one network to another. */
const TIMED_OUT = 124;

it('keeps to-dos on a real LiteFS mount, over stop and wake, and over a restart of Minifly and the filter', async () => {
  const plane = await ControlPlane.start({ IDLE_STOP_SECONDS: '2' });
  const ada = await Client.withApp(plane);
  await ada.add('on LiteFS');
  const { appName } = await ada.tenant();
  const before = await runningContainer(appName);
  expect(runIn(before, 'findmnt', '-n', '-o', 'FSTYPE,SOURCE', '--mountpoint', '/litefs')).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^fuse\S*\s+litefs\s*$/) as string,
  });
  expect(runIn(before, 'ls', '/litefs').said.split('\n')).toContain('todos.sqlite');
  const volume = volumeOf(appName);
  expect(readFileSync(join(volume, 'volume.kind'), 'utf8')).toBe('litefs\n');
  expect(existsSync(join(volume, 'litefs/dbs/todos.sqlite/database'))).toBe(true);
  expect(existsSync(join(volume, 'todos.sqlite'))).toBe(false);

  await ada.asleep();
  expect(await ada.titles()).toEqual(['on LiteFS']);
  expect(await runningContainer(appName)).toBe(before);

  await minifly.restart();
  expect(await ada.titles()).toEqual(['on LiteFS']);
  await ada.asleep();
  expect(await ada.titles()).toEqual(['on LiteFS']);
  expect(await runningContainer(appName)).not.toBe(before);
  expect(await networksOf(await runningContainer(appName))).toEqual({ [appName]: expect.any(String) as string });
});

it("lets nobody but its own app's machines reach LiteFS, and its network goes with the account", async () => {
  const plane = await ControlPlane.start();
  const [ada, bob] = await Promise.all([Client.withApp(plane), Client.withApp(plane)]);
  const { appName } = await ada.tenant();
  const { appName: bobs } = await bob.tenant();
  const { [appName]: address, ...more } = await networksOf(await runningContainer(appName));
  expect(more).toEqual({});
  const ask = ['bash', '-c', `timeout 3 bash -c 'exec 3<>/dev/tcp/${address}/${LITEFS_PORT}' && echo reached`];

  expect(runBeside(appName, ...ask)).toEqual({ code: 0, said: 'reached\n' });
  for (const others of [
    runIn(await runningContainer(bobs), ...ask),
    runBeside('bridge', ...ask),
    runBeside(bobs, ...ask),
  ]) {
    expect(others).toEqual({ code: TIMED_OUT, said: '' });
  }

  expect(await hasNetwork(appName)).toBe(true);
  expect((await ada.json('DELETE', '/api/v1/me', { password: ada.password })).status).toBe(202);
  await until(async () => !(await hasNetwork(appName)), { what: 'the network to go', pollMs: 100, ms: 20_000 });
  expect(await containersOf(appName)).toEqual([]);
  expect(await hasNetwork(bobs)).toBe(true);
  expect(await bob.titles()).toEqual([]);
});

it('is where a control plane in a container finds it by the locator: at the published port of the host', async () => {
  const plane = await ControlPlane.start();
  const ada = await Client.withApp(plane);
  const { appName } = await ada.tenant();
  const locator = new LocatorContainers({ directory: minifly.locatorDir, host: await bridgeGateway() });
  const [container] = await locator.list(appName, AbortSignal.timeout(5000));
  await locator.close();
  const origin = container?.originOf(3000) ?? 'none';
  expect(container?.originOf(LITEFS_PORT)).toBeNull();
  const program = `fetch('${origin}/healthz').then(({ status }) => console.log(status))`;
  expect(runBeside('bridge', 'node', '-e', program)).toEqual({ code: 0, said: '200\n' });
});

function volumeOf(appName: string): string {
  const [id = ''] = readdirSync(join(minifly.dataDir, 'minifly-data', appName, 'volumes'));
  return minifly.volumeDir(appName, id);
}
