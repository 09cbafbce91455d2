import { LocatorContainers } from '@app/minifly-client/locator-containers';
import Database from 'better-sqlite3';
import { randomUUID } from 'node:crypto';
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

it('has a replica in another region that follows over the network of the app, sleeps and wakes with it', async () => {
  const first = await ControlPlane.start();
  const ada = await Client.withApp(first);
  const { appName } = await ada.tenant();
  await ada.add('before the replica');
  await first.end();
  // As ReplicasService.add writes it, which no route calls yet.
  addReplica(first.dataDir, appName);
  const plane = await ControlPlane.start({ IDLE_STOP_SECONDS: '3' }, first.dataDir);
  const again = new Client(plane, ada.email);
  again.cookie = ada.cookie;
  const isActive = async () => {
    await again.todos(); // keeps it awake
    const [, replica] = (await again.tenant()).regions;
    return replica?.status === 'active' && replica.machineState === 'started';
  };

  await until(isActive, { what: () => `the replica in\n${plane.output}`, pollMs: 100, ms: 30_000 });
  const containers = await replicated(appName);
  await again.add('after the replica');
  expect((await replicated(appName)).position).not.toBe(containers.position);
  expect(Object.keys(await networksOf(containers.replica))).toEqual([appName]);

  const isAsleep = async () => (await containersOf(appName)).every(({ isRunning }) => !isRunning);
  await until(isAsleep, { what: 'both to sleep', pollMs: 100, ms: 30_000 });
  expect((await again.titles()).sort()).toEqual(['after the replica', 'before the replica']);
  await until(isActive, { what: () => `the replica again in\n${plane.output}`, pollMs: 100, ms: 30_000 });
  await again.add('after the sleep');
  await replicated(appName);
}, 120_000);

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

function addReplica(dataDir: string, appName: string): void {
  const db = new Database(join(dataDir, 'control-plane.sqlite'));
  const { changes } = db
    .prepare(
      `INSERT INTO user_apps (id, user_id, app_name, region, role, epoch, volume_kind, status, status_since, attempts, next_attempt_at)
       SELECT ?, user_id, app_name, 'syd', 'replica', epoch, volume_kind, 'provisioning', ?, 0, ? FROM user_apps WHERE app_name = ?`,
    )
    .run(randomUUID(), Date.now(), Date.now(), appName);
  db.close();
  expect(changes).toBe(1);
}

/** Waits until both machines' LiteFS is at the same transaction; gives that, and the replica's container. */
async function replicated(appName: string): Promise<{ position: string; replica: string }> {
  let seen: { replica: boolean; id: string; position: string }[] = [];
  await until(
    async () => {
      const running = (await containersOf(appName)).filter(({ isRunning }) => isRunning);
      seen = running.map(({ id }) => ({
        id,
        replica: runIn(id, 'printenv', 'LITEFS_ROLE').said === 'replica\n',
        position: runIn(id, 'cat', '/litefs/todos.sqlite-pos').said,
      }));
      return seen.length === 2 && new Set(seen.map(({ position }) => position)).size === 1;
    },
    { what: () => `both at one position: ${JSON.stringify(seen)}`, pollMs: 50 },
  );
  expect(seen.filter(({ replica }) => replica)).toHaveLength(1);
  const { id, position } = seen.find(({ replica }) => replica) ?? { id: '', position: '' };
  expect(position).toMatch(/^[0-9a-f]{16}\/[0-9a-f]{16}\s*$/);
  return { position, replica: id };
}

function volumeOf(appName: string): string {
  const [id = ''] = readdirSync(join(minifly.dataDir, 'minifly-data', appName, 'volumes'));
  return minifly.volumeDir(appName, id);
}
