import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { atomically } from '../database/atomically';
import {
  endWorld,
  eventsOf,
  newProcess,
  newWorld,
  rowOf,
  signUp,
  signUpActive,
  tenantOf,
  type Process,
  type World,
} from '../../../../test/support/tenant-life';
import { UserApp } from '../tenants/user-app.entity';
import type { Admission } from './gates.service';

const IDLE_MS = 300_000;
let world: World;
let life: Process;
let userId: string;

beforeEach(async () => {
  world = await newWorld();
  life = newProcess(world);
  userId = await signUpActive(world, life);
});

afterEach(async () => {
  await life.stop();
  await endWorld(world);
});

const patient = () => ({ signal: new AbortController().signal });
const enter = async (): Promise<Admission> => life.gates.enter(userId, patient());

async function enterAndStay(): Promise<Extract<Admission, { outcome: 'proceed' }>> {
  const admission = await enter();
  if (admission.outcome !== 'proceed') throw new Error(admission.outcome);
  return admission;
}

/** Lets what was begun go on to where it waits for something else. */
const settle = () => sleep(60);

async function putToSleep(): Promise<void> {
  world.clock.pass(IDLE_MS);
  life.idleStop.stopQuiet();
  await settle();
  expect(life.gates.find(userId)).toBeUndefined();
}

async function restart(settings: Parameters<typeof newProcess>[1] = {}, secret?: string): Promise<void> {
  await life.stop();
  life = newProcess(world, settings, secret);
}

describe('entering an awake tenant', () => {
  it('is synchronous, with a token of the tenant, its database and its epoch', async () => {
    const admission = life.gates.enter(userId, patient());
    if (admission instanceof Promise || admission.outcome !== 'proceed') throw new Error('not at once');
    const { databaseId } = await tenantOf(world, userId);
    expect(admission.route).toMatchObject({ tenantId: userId, databaseId });
    const claims: unknown = JSON.parse(
      Buffer.from(admission.route.authorization.split('.')[1] ?? '', 'base64url').toString(),
    );
    const iat = world.clock.now() / 1000;
    const { appName } = await rowOf(world, userId);
    expect(claims).toEqual({ aud: appName, sub: userId, dbid: databaseId, epoch: 1, iat, exp: iat + 60 });
    expect(world.platform.count('start')).toBe(1);
  });

  it('counts leaving once, however often it is said', async () => {
    const { leave } = await enterAndStay();
    await enterAndStay();
    leave();
    leave();
    expect(life.gates.find(userId)?.openRequests).toBe(1);
  });

  it('never shows a token that is about to expire, also when the computer slept', async () => {
    const { route } = await enterAndStay();
    const old = route.authorization;
    world.clock.pass(59_000);
    expect((await enterAndStay()).route.authorization).not.toBe(old);
  });
});

describe('waking', () => {
  beforeEach(putToSleep);

  it('starts the machine once for all that wait, and notes it on the row before', async () => {
    const release = world.platform.holds('start');
    const all = Array.from({ length: 10 }, enter);
    await settle();
    expect((await rowOf(world, userId)).awakeSince).toBe(world.clock.now());
    expect(life.gates.machineState(userId).state).toBe('starting');
    release();
    expect((await Promise.all(all)).map(({ outcome }) => outcome)).toEqual(Array(10).fill('proceed'));
    expect(world.platform.count('start')).toBe(2); // the first one was provisioning's
    expect((await eventsOf(life, userId)).at(-1)).toBe('woken');
  });

  it('holds so many and no more, and not for ever', async () => {
    await restart({ wakeHoldRequests: 2, wakeHoldSeconds: 0.1 });
    world.platform.holds('start');
    const answers = await Promise.all([enter(), enter(), enter()]);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['timedOut', 'timedOut', 'full']);
    for (const answer of answers) expect(answer).toMatchObject({ retryAfterSeconds: expect.any(Number) as number });
  });

  it('goes on when the one that waited has left, whose place is free again', async () => {
    await restart({ wakeHoldRequests: 1 });
    const release = world.platform.holds('start');
    const leaving = new AbortController();
    const left = life.gates.enter(userId, leaving);
    await settle();
    leaving.abort();
    expect((await left).outcome).toBe('timedOut');
    const next = enter();
    release();
    expect((await next).outcome).toBe('proceed');
    expect(life.gates.find(userId)?.openRequests).toBe(1);
    expect(world.platform.count('start')).toBe(2);
  });

  it('configures a machine of an earlier epoch anew before it is started, and signs for the new one', async () => {
    await world.dataSource.getRepository(UserApp).update({ userId }, { epoch: 2 });
    const admission = await enterAndStay();
    expect(admission.route.epoch).toBe(2);
    expect(world.platform.machines[0]?.env).toMatchObject({ TENANT_EPOCH: '2' });
  });

  it('says that the platform is away, and leaves the row as it is', async () => {
    const before = await rowOf(world, userId);
    world.platform.unreachable();
    expect(await enter()).toMatchObject({
      outcome: 'failed',
      error: { code: 'platform_unavailable', retryAfterSeconds: 5 },
    });
    expect(await rowOf(world, userId)).toEqual(before);
    expect(life.gates.find(userId)).toBeUndefined();
    world.platform.reachable();
    expect((await enter()).outcome).toBe('proceed');
  });

  it('gives the machine the current keys first where it has others', async () => {
    await restart({}, 'another secret of the tests');
    const old = world.platform.machines[0]?.env['TENANT_TOKEN_KEYS'];
    expect((await enter()).outcome).toBe('proceed');
    expect(world.platform.machines[0]?.env['TENANT_TOKEN_KEYS']).not.toBe(old);
    expect(world.platform.calls.slice(-3)).toEqual(['ensureMachine', 'start', 'address']);
  });

  it('hands a machine that is gone to provisioning, once, and holds the request meanwhile', async () => {
    const [gone] = world.platform.machines.splice(0);
    const held = enter();
    await settle();
    expect(await rowOf(world, userId)).toMatchObject({
      status: 'provisioning',
      lastError: { code: 'machine_missing' },
    });
    if (gone) world.platform.machines.push(gone); // a list that lagged
    await life.provision();
    expect((await held).outcome).toBe('proceed');
  });

  it('has a machine made anew whose host has no room for it, and holds the request meanwhile', async () => {
    world.platform.refuses('start', 409, 'capacity_host', 2);
    const before = (await rowOf(world, userId)).machineId;
    const held = enter();
    await settle();
    expect(await rowOf(world, userId)).toMatchObject({ status: 'provisioning', lastError: { code: 'host_full' } });
    await life.provision();
    expect((await held).outcome).toBe('proceed');
    const row = await rowOf(world, userId);
    expect(row.machineId).not.toBe(before);
    expect(world.platform.machines).toMatchObject([{ id: row.machineId, volumeId: row.volumeId }]);
  });

  it('follows a machine that the platform moved to a copy of its volume', async () => {
    const { machineId, volumeId } = await rowOf(world, userId);
    const copy = world.platform.movesVolumeOf(machineId ?? '');
    expect((await enter()).outcome).toBe('proceed');
    expect(await rowOf(world, userId)).toMatchObject({ status: 'active', machineId, volumeId: copy });
    expect(copy).not.toBe(volumeId);
  });

  it('does not follow a machine to a volume with another database', async () => {
    const { machineId } = await rowOf(world, userId);
    const copy = world.platform.movesVolumeOf(machineId ?? '');
    for (const volume of world.platform.volumes.filter(({ id }) => id === copy)) volume.databaseId = 'another';
    const held = enter();
    await settle();
    await life.provision();
    expect((await held).outcome).toBe('failed');
    expect(await rowOf(world, userId)).toMatchObject({ status: 'failed', lastError: { code: 'volume_missing' } });
  });

  it('answers with what went wrong when the machine does not get ready', async () => {
    world.probe.notReady = { outcome: 'wrongSchema', detail: 'no schema version' };
    expect(await enter()).toMatchObject({ outcome: 'failed', error: { code: 'tenant_not_ready' } });
    expect((await eventsOf(life, userId)).at(-1)).toBe('wake_failed');
  });

  it('does not start a tenant again at once that could not be started', async () => {
    world.probe.notReady = { outcome: 'wrongSchema', detail: 'no schema version' };
    await enter();
    const { length } = world.platform.calls;
    expect(await enter()).toMatchObject({ outcome: 'failed', error: { code: 'tenant_not_ready' } });
    expect(world.platform.calls).toHaveLength(length);
    expect(life.gates.find(userId)).toBeUndefined();
  });

  it('lets nobody go on to a machine that says it is somebody else’s', async () => {
    world.probe.notReady = { outcome: 'wrongTenant', detail: 'the machine says that it serves another tenant' };
    const held = enter();
    await settle();
    expect(life.gates.find(userId)?.state).toBe('waking');
    world.probe.notReady = null;
    expect((await held).outcome).toBe('proceed');
  });

  it('asks the platform when no answer comes, and gives up on a machine that has ended', async () => {
    world.probe.notReady = { outcome: 'notYet', detail: 'ECONNREFUSED' };
    const release = world.platform.holds('address');
    const held = enter();
    await settle();
    const [machine] = world.platform.machines;
    if (machine) machine.state = 'stopped';
    const begun = world.clock.now();
    release();
    expect(await held).toMatchObject({ outcome: 'failed', error: { code: 'tenant_not_ready' } });
    expect(world.clock.now() - begun).toBeLessThan(5000);
  });

  it('starts a machine whose end the platform had not noticed when it was asked, and soon', async () => {
    const [machine] = world.platform.machines;
    if (machine) machine.state = 'started';
    const release = world.platform.holds('address');
    const held = enter();
    await settle();
    expect(machine?.starts).toBe(1);
    if (machine) machine.state = 'stopped';
    const begun = world.clock.now();
    release();
    expect((await held).outcome).toBe('proceed');
    expect(machine?.starts).toBe(2);
    expect(world.clock.now() - begun).toBeLessThan(500);
  });
});

describe('a tenant that is not active', () => {
  it('holds requests while it is provisioned, and lets them go on when it is active', async () => {
    const newcomer = signUp(world, life);
    const held = life.gates.enter(newcomer, patient());
    await settle();
    await life.provision();
    expect((await held).outcome).toBe('proceed');
    expect(world.platform.machines.find(({ tenantId }) => tenantId === newcomer)?.starts).toBe(1);
  });

  it('answers at once when it failed, and when it is being deleted', async () => {
    const newcomer = signUp(world, life);
    const set = (status: string) =>
      atomically(world.dataSource, (db) =>
        db.prepare('UPDATE user_apps SET status = ? WHERE user_id = ?').run(status, newcomer),
      );
    set('failed');
    expect(await life.gates.enter(newcomer, patient())).toMatchObject({ error: { code: 'tenant_failed' } });
    set('deleting');
    expect(await life.gates.enter(newcomer, patient())).toMatchObject({ error: { code: 'tenant_deleting' } });
    expect(life.gates.find(newcomer)).toBeUndefined();
  });
});

describe('stopping', () => {
  it('stops what is quiet, clears the row after the stop was seen, and forgets the gate', async () => {
    const { leave } = await enterAndStay();
    world.clock.pass(IDLE_MS);
    life.idleStop.stopQuiet();
    expect(life.gates.find(userId)?.state).toBe('awake'); // something is open
    leave();
    const release = world.platform.holds('stop', 'after');
    world.clock.pass(IDLE_MS);
    life.idleStop.stopQuiet();
    await settle();
    expect((await rowOf(world, userId)).awakeSince).not.toBeNull();
    release();
    await settle();
    expect((await rowOf(world, userId)).awakeSince).toBeNull();
    expect(life.gates.find(userId)).toBeUndefined();
    expect(life.gates.machineState(userId).state).toBe('stopped');
    expect((await eventsOf(life, userId)).at(-1)).toBe('stopped');
  });

  it('makes a request that comes while it stops wait for the end and wakes again', async () => {
    const release = world.platform.holds('stop');
    world.clock.pass(IDLE_MS);
    life.idleStop.stopQuiet();
    const late = enter();
    await settle();
    expect(world.platform.count('start')).toBe(1);
    release();
    expect((await late).outcome).toBe('proceed');
    expect(world.platform.machines[0]?.starts).toBe(2);
    expect(world.platform.calls.filter((verb) => verb === 'stop' || verb === 'start')).toEqual([
      'start',
      'stop',
      'start',
    ]);
  });

  it('stops nothing while a direct token is good, also after a restart', async () => {
    const until = world.clock.now() + 600_000;
    await life.gates.directUntil(userId, until);
    await life.gates.directUntil(userId, until - 1);
    expect((await tenantOf(world, userId)).directUntil).toBe(until);
    await restart();
    await life.sweep.sweep();
    world.clock.pass(599_000);
    life.idleStop.stopQuiet();
    expect(life.gates.find(userId)?.state).toBe('awake');
    world.clock.pass(1000);
    life.idleStop.stopQuiet();
    expect(life.gates.find(userId)?.state).toBe('stopping');
  });

  it('does not take a stop that could not be asked for one: the row still says awake, and a request finds the machine', async () => {
    world.platform.unreachable();
    world.clock.pass(IDLE_MS);
    life.idleStop.stopQuiet();
    await settle();
    expect((await rowOf(world, userId)).awakeSince).not.toBeNull();
    world.platform.reachable();
    expect((await enter()).outcome).toBe('proceed');
    expect(world.platform.machines[0]?.starts).toBe(1);
  });
});

describe('a route that cannot be trusted', () => {
  it('is forgotten, and the next to enter finds the machine as it is', async () => {
    const { route } = await enterAndStay();
    life.gates.distrust(route);
    life.gates.distrust(route);
    const again = await enterAndStay();
    expect(again.route).not.toBe(route);
    expect(world.platform.machines[0]?.starts).toBe(1); // it ran
    life.gates.distrust(route); // late: of another route
    expect(life.gates.find(userId)?.state).toBe('awake');
  });

  it('is started again when its machine had ended', async () => {
    const { route } = await enterAndStay();
    const [machine] = world.platform.machines;
    if (machine) machine.state = 'stopped';
    life.gates.distrust(route);
    await enterAndStay();
    expect(machine?.starts).toBe(2);
  });

  it('is restarted with the current keys, once, when it does not know the key', async () => {
    const { route, leave } = await enterAndStay();
    leave();
    await Promise.all([life.gates.refreshKeys(route), life.gates.refreshKeys(route)]);
    expect(world.platform.machines[0]?.starts).toBe(2);
    expect(life.gates.find(userId)?.state).toBe('awake');
  });
});

describe('the sweep', () => {
  it('adopts after a restart what runs, without starting it', async () => {
    await restart();
    await life.sweep.sweep();
    expect(life.gates.find(userId)?.state).toBe('awake');
    expect(world.platform.machines[0]?.starts).toBe(1);
    world.clock.pass(IDLE_MS - 1);
    life.idleStop.stopQuiet();
    expect(life.gates.find(userId)?.state).toBe('awake'); // quiet counts from the adoption
  });

  it('clears the row of what has stopped, and starts nothing', async () => {
    await restart();
    const [machine] = world.platform.machines;
    if (machine) machine.state = 'stopped';
    await life.sweep.sweep();
    expect((await rowOf(world, userId)).awakeSince).toBeNull();
    expect(machine?.starts).toBe(1);
    expect(life.gates.find(userId)).toBeUndefined();
  });

  it('closes the gate of a machine that ended by itself', async () => {
    const [machine] = world.platform.machines;
    if (machine) machine.state = 'stopped';
    await life.sweep.sweep();
    expect(life.gates.find(userId)).toBeUndefined();
    expect(life.gates.machineState(userId).state).toBe('stopped');
    expect((await rowOf(world, userId)).awakeSince).toBeNull();
  });

  it('changes nothing when the platform cannot be asked, nor when it does not show the machine', async () => {
    const before = await rowOf(world, userId);
    world.platform.unreachable();
    await life.sweep.sweep();
    expect(life.gates.find(userId)?.state).toBe('awake');
    world.platform.reachable();
    world.platform.machines.splice(0);
    await life.sweep.sweep();
    expect(life.gates.find(userId)?.state).toBe('awake');
    await restart();
    await life.sweep.sweep();
    expect(await rowOf(world, userId)).toEqual(before);
  });

  it('looks when the platform was away and is back', async () => {
    life.sweep.onApplicationBootstrap();
    await settle();
    const [machine] = world.platform.machines;
    if (machine) machine.state = 'stopped';
    life.events.announceReturn();
    await settle();
    expect(life.gates.find(userId)).toBeUndefined();
  });
});

it('tells who waits that the service goes, and lets nobody in any more', async () => {
  await putToSleep();
  world.platform.holds('start');
  const held = enter();
  await settle();
  life.gates.onModuleDestroy();
  expect(await held).toMatchObject({ outcome: 'failed', error: { code: 'shutting_down' } });
  expect(await enter()).toMatchObject({ outcome: 'failed', error: { code: 'shutting_down' } });
  world.platform.reachable();
});
