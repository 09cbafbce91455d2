import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  endWorld,
  eventsOf,
  newProcess,
  newWorld,
  signUpActive,
  type Process,
  type World,
} from '../../../../test/support/tenant-life';
import { until } from '../../../../test/support/until';
import { UserApp } from '../tenants/user-app.entity';
import { ReplicaKeeper } from './replica-keeper';
import { ReplicaSteps } from './replica-steps';
import { ReplicasService } from './replicas.service';

const LITEFS = { embeddedLitefs: true };
let world: World;
let life: Process;
let keeper: ReplicaKeeper;
let replicas: ReplicasService;
let userId: string;

beforeEach(async () => {
  world = await newWorld();
  start();
  userId = await signUpActive(world, life);
});

afterEach(async () => {
  await end();
  await endWorld(world);
});

function start(): void {
  life = newProcess(world, LITEFS);
  const { dataSource, platform, clock, probe } = world;
  const { config, log, tenants, timeline, gates, specs } = life;
  const steps = new ReplicaSteps(platform, clock, dataSource, tenants, timeline, gates, specs, probe);
  keeper = new ReplicaKeeper(config, clock, log, dataSource, gates, tenants, timeline, steps);
  replicas = new ReplicasService(platform, clock, dataSource, tenants, timeline);
  keeper.onApplicationBootstrap();
}

async function end(): Promise<void> {
  await life.stop();
  await keeper.onApplicationShutdown();
}

const replica = () => world.dataSource.getRepository(UserApp).findOneByOrFail({ userId, role: 'replica' });
const stateIn = (region: string) => world.platform.machines.find((machine) => machine.region === region)?.state;
const whenActive = () => until(async () => (await replica()).status === 'active', { what: 'an active replica' });
const wake = () => life.gates.enter(userId, { signal: new AbortController().signal });

async function withReplica(): Promise<void> {
  await replicas.add(userId, 'syd');
  await whenActive();
}

function fallAsleep(): void {
  world.clock.pass(300_000);
  life.idleStop.stopQuiet();
}

it('makes a replica that follows the primary, in its epoch, with a row that has each id', async () => {
  await withReplica();
  const machine = world.platform.machines.find(({ region }) => region === 'syd');
  const primary = world.platform.machines.find(({ region }) => region === 'fra');
  expect(machine?.env).toMatchObject({
    LITEFS_ROLE: 'replica',
    TENANT_EPOCH: '1',
    LITEFS_HOSTNAME: primary?.name,
    LITEFS_ADVERTISE_URL: `http://${primary?.id}.internal:20202`,
  });
  expect(primary?.env).toMatchObject({ LITEFS_ROLE: 'primary' });
  expect(await replica()).toMatchObject({ machineId: machine?.id, volumeId: machine?.volumeId, epoch: 1 });
  expect((await eventsOf(life, userId)).slice(-2)).toEqual(['replica_added', 'replica_active']);
});

it('costs one look when it runs as it should, and is started again where it does not', async () => {
  await withReplica();
  const before = world.platform.calls.length;
  keeper.sweep();
  await until(() => world.platform.count('look') > 0 && world.platform.calls.at(-1) === 'look', { what: 'a look' });
  await sleep(20);
  expect(world.platform.calls.slice(before)).toEqual(['peerUrl', 'look']);
  const machine = world.platform.machines.find(({ region }) => region === 'syd');
  if (machine) machine.state = 'stopped';
  keeper.sweep();
  await until(() => stateIn('syd') === 'started', { what: 'the replica' });
});

it('leaves the way to the primary as it is: nobody is led to the replica', async () => {
  await withReplica();
  const admission = await wake();
  expect(admission).toMatchObject({ outcome: 'proceed', route: { machine: { machineId: 'm2' } } });
  expect(world.platform.machines.find(({ id }) => id === 'm2')?.region).toBe('fra');
});

it('stops the replica before the primary, and starts it after', async () => {
  await withReplica();
  const release = world.platform.holds('stop');
  fallAsleep();
  await until(() => world.platform.count('stop') === 1, { what: 'the first stop' });
  expect([stateIn('fra'), stateIn('syd')]).toEqual(['started', 'started']);
  release();
  await until(() => stateIn('fra') === 'stopped', { what: 'the primary to stop' });
  expect(stateIn('syd')).toBe('stopped');
  expect((await replica()).awakeSince).toBeNull();

  expect((await wake()).outcome).toBe('proceed');
  await until(() => stateIn('syd') === 'started', { what: 'the replica' });
});

it('ends what it is at when the tenant is stopped meanwhile', async () => {
  world.platform.holds('ensureMachine');
  await replicas.add(userId, 'syd');
  await until(() => world.platform.count('ensureMachine') === 2, { what: 'the machine to be made' });
  fallAsleep();
  await until(() => stateIn('fra') === 'stopped', { what: 'the primary to stop' });
  expect(stateIn('syd')).toBeUndefined();
  expect(await replica()).toMatchObject({ status: 'provisioning', attempts: 0, lastError: null });
  await wake();
  await whenActive();
});

it('begins anew when the primary answers again meanwhile, perhaps at another address', async () => {
  world.platform.holds('ensureMachine'); // as a replica waits for a primary that is not where it was
  await replicas.add(userId, 'syd');
  await until(() => world.platform.count('ensureMachine') === 2, { what: 'the machine to be made' });
  keeper.sweep(); // waits for its turn
  await sleep(20);
  expect(world.platform.count('ensureMachine')).toBe(2);
  keeper.awake(userId);
  await whenActive();
  expect(await replica()).toMatchObject({ attempts: 0, lastError: null });
});

it('tries again with pauses, says why, and gives a replica up that never comes up', async () => {
  world.platform.refuses('ensureVolume', 503, 'unavailable', Infinity, 'no room in syd');
  await replicas.add(userId, 'syd');
  for (let tries = 1; tries <= 3; tries += 1) {
    await until(async () => (await replica()).attempts === tries, { what: `try ${tries}` });
    keeper.sweep(); // not before its time
    await sleep(20);
    expect((await replica()).attempts).toBe(tries);
    world.clock.pass(200_000);
    keeper.sweep();
  }
  await until(async () => (await replica()).status === 'failed', { what: 'a failure' });
  expect((await replica()).lastError).toMatchObject({ detail: expect.stringContaining('no room in syd') as string });
  expect((await life.tenants.get(userId)).app.status).toBe('active');
  expect((await wake()).outcome).toBe('proceed');
});

it('stops a replica whose primary ended by itself', async () => {
  await withReplica();
  const primary = world.platform.machines.find(({ region }) => region === 'fra');
  if (primary) primary.state = 'stopped';
  await life.sweep.sweep();
  await until(() => stateIn('syd') === 'stopped', { what: 'the replica to stop' });
});

it('after a restart, stops a replica whose tenant sleeps', async () => {
  await withReplica();
  await end();
  for (const machine of world.platform.machines) if (machine.region === 'fra') machine.state = 'stopped';
  start();
  await life.sweep.sweep();
  keeper.sweep();
  await until(() => stateIn('syd') === 'stopped', { what: 'the replica to stop' });
  expect((await replica()).awakeSince).toBeNull();
});

it('refuses a second one in a region, and one for a tenant that is not active', async () => {
  await withReplica();
  for (const region of ['syd', 'fra'] as const) {
    await expect(replicas.add(userId, region)).rejects.toMatchObject({ code: 'replica_not_possible' });
  }
  await world.dataSource.getRepository(UserApp).update({ userId, role: 'primary' }, { status: 'failed' });
  await expect(replicas.add(userId, 'nrt')).rejects.toMatchObject({ code: 'replica_not_possible' });
});
