import 'reflect-metadata';
import { atomically } from '../database/atomically';
import type { Verb } from '../../../../test/support/scripted-platform';
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

let world: World;
let life: Process;

beforeEach(async () => {
  world = await newWorld();
  life = newProcess(world);
});

afterEach(async () => {
  await life.stop();
  await endWorld(world);
});

/** Lets the time pass in steps until nothing is due any more, as the timer would. */
async function carryOnFor(seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 1) {
    world.clock.pass(1000);
    await life.provision();
  }
}

describe('provisioning', () => {
  it('takes a new row to active, with each id on it and each step on the timeline', async () => {
    const userId = await signUpActive(world, life);
    const row = await rowOf(world, userId);
    const [machine] = world.platform.machines;
    const [volume] = world.platform.volumes;
    expect(row).toMatchObject({ status: 'active', machineId: machine?.id, volumeId: volume?.id, lastError: null });
    expect(row.awakeSince).not.toBeNull();
    expect((await tenantOf(world, userId)).databaseId).toBe(volume?.databaseId);
    expect(await eventsOf(life, userId)).toEqual([
      'signed_up',
      ...['app', 'volume', 'machine', 'started', 'healthy'].flatMap((step) => [
        `step_started ${step}`,
        `step_done ${step}`,
      ]),
      'active',
    ]);
    expect(life.gates.machineState(userId).state).toBe('started');
  });

  it('gives a machine nothing secret, and the keys to verify with', async () => {
    const userId = await signUpActive(world, life);
    const env = world.platform.machines[0]?.env ?? {};
    expect(env).toMatchObject({ TENANT_ID: userId, DATA_DIR: '/data', NODE_ENV: 'production' });
    expect(Object.keys(env).sort()).toEqual([
      'APP_NAME',
      'DATA_DIR',
      'LOG_LEVEL',
      'NODE_ENV',
      'TENANT_EPOCH',
      'TENANT_ID',
      'TENANT_TOKEN_KEYS',
    ]);
    expect(JSON.stringify(env)).not.toContain('a secret of the tests');
    expect(env['TENANT_TOKEN_KEYS']).not.toContain('"d":');
  });

  it('takes up a sign-up at once, without waiting for a timer', async () => {
    life.provisioner.onApplicationBootstrap();
    const userId = signUp(world, life);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect((await rowOf(world, userId)).status).toBe('active');
  });

  const verbs: Verb[] = ['look', 'ensureApp', 'ensureVolume', 'ensureMachine', 'start', 'address'];
  const moments = verbs.flatMap((verb) => (['before', 'after'] as const).map((phase) => ({ verb, phase })));
  it.each(moments)(
    'goes on after kill -9 $phase $verb: one machine, one mounted volume, active',
    async ({ verb, phase }) => {
      const killed = world.platform.hangsAt(verb, phase);
      const userId = signUp(world, life);
      life.provisioner.takeUpDue();
      await killed; // the double's promise does not end
      life.kill();

      const next = newProcess(world);
      await next.provision();
      expect((await rowOf(world, userId)).status).toBe('active');
      expect(world.platform.machines).toHaveLength(1);
      expect(world.platform.volumes.filter(({ everMounted }) => everMounted)).toHaveLength(1);
      expect((await rowOf(world, userId)).machineId).toBe(world.platform.machines[0]?.id);
      expect((await rowOf(world, userId)).volumeId).toBe(world.platform.machines[0]?.volumeId);
      life = next;
    },
  );

  it.each(['ensureApp', 'ensureVolume', 'ensureMachine', 'start'] as const)(
    'finds what it made when the reply of %s was lost',
    async (verb) => {
      world.platform.losesReply(verb);
      const userId = await signUpActive(world, life);
      await carryOnFor(2);
      expect((await rowOf(world, userId)).status).toBe('active');
      expect(world.platform.machines).toHaveLength(1);
      expect(world.platform.volumes).toHaveLength(1);
    },
  );

  it('makes a machine anew on another host, once, when its own has no room to start it', async () => {
    world.platform.refuses('start', 409, 'capacity_host');
    const userId = await signUpActive(world, life);
    const row = await rowOf(world, userId);
    expect(row).toMatchObject({ status: 'active', lastError: null });
    expect(world.platform.machines).toMatchObject([{ id: row.machineId, volumeId: row.volumeId, state: 'started' }]);
    expect(world.platform.volumes).toHaveLength(2); // what was mounted stays
  });

  it('does not move a machine again when the other host has no room either', async () => {
    world.platform.refuses('start', 409, 'capacity_host', 5);
    const userId = await signUpActive(world, life);
    expect((await rowOf(world, userId)).lastError?.code).toBe('capacity_host');
    await carryOnFor(60);
    expect((await rowOf(world, userId)).status).toBe('active');
    expect(world.platform.volumes).toHaveLength(2);
  });

  it('changes nothing but when to ask again while the platform is away, however long, and goes on when it is back', async () => {
    world.platform.unreachable();
    const userId = signUp(world, life);
    const before = await rowOf(world, userId);
    await carryOnFor(400);
    const { nextAttemptAt, lastError, ...rest } = await rowOf(world, userId);
    expect(rest).toEqual({ ...rest, ...before, nextAttemptAt: undefined, lastError: undefined });
    expect(lastError?.code).toBe('platform_unavailable');
    expect(nextAttemptAt).toBeGreaterThan(world.clock.now());
    expect(await eventsOf(life, userId)).toEqual(['signed_up', 'step_failed']); // once, not a line a try

    world.platform.reachable();
    life.provisioner.onApplicationBootstrap();
    life.events.announceReturn(); // and does not wait for its next time
    await life.provision();
    expect((await rowOf(world, userId)).status).toBe('active');
  });

  it('fails with the reason when it is refused past the deadline, stops what ran, and a retry takes it up where it was', async () => {
    world.platform.refuses('ensureMachine', 403, 'quota', Infinity, 'over the allowed quota');
    const userId = signUp(world, life);
    await carryOnFor(290);
    expect((await rowOf(world, userId)).status).toBe('provisioning');
    await carryOnFor(60);
    const row = await rowOf(world, userId);
    expect(row).toMatchObject({ status: 'failed', lastError: { code: 'quota', detail: 'over the allowed quota' } });
    expect(await eventsOf(life, userId)).toContain('step_failed machine');
    expect((await eventsOf(life, userId)).at(-1)).toBe('failed');

    world.platform.reachable();
    await life.tenants.retry(userId, world.clock.now());
    await life.provision();
    expect(await rowOf(world, userId)).toMatchObject({ status: 'active', volumeId: row.volumeId });
  });

  it('fails a machine that never gets ready, and stops it', async () => {
    world.probe.notReady = { outcome: 'notYet', detail: 'ECONNREFUSED' };
    const userId = signUp(world, life);
    await carryOnFor(302);
    expect(await rowOf(world, userId)).toMatchObject({
      status: 'failed',
      lastError: { code: 'not_ready' },
      awakeSince: null,
    });
    expect(world.platform.machines[0]?.state).toBe('stopped');
  });

  it('takes more digits of the id for a name that is somebody else’s', async () => {
    const userId = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
    world.platform.apps.set('todo-user-aaaaaaaa', 'somebody else');
    signUp(world, life, userId);
    await life.provision();
    expect(await rowOf(world, userId)).toMatchObject({ status: 'active', appName: 'todo-user-aaaaaaaabbbb' });
    expect((await tenantOf(world, userId)).appName).toBe('todo-user-aaaaaaaabbbb');
    expect(world.platform.machines[0]?.env['APP_NAME']).toBe('todo-user-aaaaaaaabbbb');
  });

  it('gives two users whose ids begin alike an app each', async () => {
    const ids = ['aaaaaaaa-1111-4ccc-8ddd-eeeeeeeeeeee', 'aaaaaaaa-2222-4ccc-8ddd-eeeeeeeeeeee'];
    for (const id of ids) signUp(world, life, id);
    await life.provision();
    for (const id of ids) expect((await rowOf(world, id)).status).toBe('active');
    expect([...world.platform.apps.keys()].sort()).toEqual(['todo-user-aaaaaaaa', 'todo-user-aaaaaaaa2222']);
  });
});

describe('a machine that the platform does not show', () => {
  it('is believed gone after three looks over two minutes, and remade on its volume', async () => {
    const userId = await signUpActive(world, life);
    const { machineId, volumeId } = await rowOf(world, userId);
    await life.stop();
    life = newProcess(world);
    const [gone] = world.platform.machines.splice(0);
    void life.gates.enter(userId, { signal: AbortSignal.timeout(50) });
    await new Promise((resolve) => setTimeout(resolve, 100));

    await carryOnFor(115);
    expect(await rowOf(world, userId)).toMatchObject({
      status: 'provisioning',
      machineId,
      lastError: { code: 'machine_missing' },
    });
    expect(world.platform.machines).toEqual([]);

    await carryOnFor(10);
    const row = await rowOf(world, userId);
    expect(row).toMatchObject({ status: 'active', volumeId, missingLooks: 0 });
    expect(row.machineId).not.toBe(gone?.id);
    expect(world.platform.volumes).toHaveLength(1);
  });

  it('is taken as it is when it shows up again before that', async () => {
    const userId = await signUpActive(world, life);
    const { machineId } = await rowOf(world, userId);
    await life.stop();
    life = newProcess(world);
    const [hidden] = world.platform.machines.splice(0);
    void life.gates.enter(userId, { signal: AbortSignal.timeout(50) });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await carryOnFor(90);
    if (hidden) world.platform.machines.push(hidden);
    await carryOnFor(60);
    expect(await rowOf(world, userId)).toMatchObject({
      status: 'active',
      machineId,
      missingLooks: 0,
      missingSince: null,
    });
  });
});

describe('a tenant that has a database', () => {
  async function loseVolume(): Promise<string> {
    const userId = await signUpActive(world, life);
    await life.stop();
    life = newProcess(world);
    const [machine] = world.platform.machines;
    if (machine) machine.state = 'stopped';
    return userId;
  }

  it('fails with volume_missing when its volume is gone, and never gets a new one, not by a retry either', async () => {
    const userId = await loseVolume();
    const [volume] = world.platform.volumes.splice(0);
    const answer = life.gates.enter(userId, { signal: AbortSignal.timeout(5000) });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await life.provision();
    expect(await answer).toMatchObject({ outcome: 'failed', error: { code: 'tenant_failed' } });
    expect(await rowOf(world, userId)).toMatchObject({ status: 'failed', lastError: { code: 'volume_missing' } });

    await life.tenants.retry(userId, world.clock.now());
    await life.provision();
    expect(await rowOf(world, userId)).toMatchObject({ status: 'failed', lastError: { code: 'volume_missing' } });
    expect(world.platform.volumes).toEqual([]);
    expect(world.platform.count('ensureVolume')).toBe(1);

    if (volume) world.platform.volumes.push(volume);
    await life.tenants.retry(userId, world.clock.now());
    await life.provision();
    expect((await rowOf(world, userId)).status).toBe('active');
  });

  it('fails with volume_missing when its machine serves another database, and the machine is stopped', async () => {
    const userId = await loseVolume();
    const [volume] = world.platform.volumes;
    if (volume) volume.databaseId = 'an empty one';
    const answer = life.gates.enter(userId, { signal: AbortSignal.timeout(5000) });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await life.provision();
    expect(await answer).toMatchObject({ outcome: 'failed' });
    expect(await rowOf(world, userId)).toMatchObject({ status: 'failed', lastError: { code: 'volume_missing' } });
    expect(world.platform.machines[0]?.state).toBe('stopped');
    expect((await tenantOf(world, userId)).databaseId).not.toBe('an empty one');
  });
});

describe('deleting', () => {
  function requestDeletion(userId: string): void {
    atomically(world.dataSource, (db) => life.tenants.markDeletedWithin(db, userId, world.clock.now()));
  }

  it('removes machine, volume and app, then the account, and keeps the tenant as a tombstone', async () => {
    const userId = await signUpActive(world, life);
    requestDeletion(userId);
    await life.provision();
    expect(world.platform.apps.size + world.platform.machines.length + world.platform.volumes.length).toBe(0);
    expect(await life.tenants.find(userId)).toBeNull();
    expect(await world.dataSource.query('SELECT id FROM users')).toEqual([]);
    expect((await tenantOf(world, userId)).deletedAt).not.toBeNull();
    expect((await eventsOf(life, userId)).at(-1)).toBe('deleted');
    expect(life.gates.find(userId)).toBeUndefined();
  });

  it.each(['before', 'after'] as const)('is finished after kill -9 %s destroy', async (phase) => {
    const userId = await signUpActive(world, life);
    const killed = world.platform.hangsAt('destroy', phase);
    requestDeletion(userId);
    life.provisioner.takeUpDue();
    await killed;
    life.kill();
    const next = newProcess(world);
    await next.provision();
    expect(await next.tenants.find(userId)).toBeNull();
    expect(world.platform.apps.size).toBe(0);
    life = next;
  });

  it('wins over a provisioning that is under way, and leaves nothing behind', async () => {
    const release = world.platform.holds('ensureMachine', 'after');
    const userId = signUp(world, life);
    life.provisioner.takeUpDue();
    await new Promise((resolve) => setTimeout(resolve, 50));
    requestDeletion(userId);
    release();
    await life.provision();
    expect(await life.tenants.find(userId)).toBeNull();
    expect(world.platform.machines).toEqual([]);
  });

  it('is not put off by what becomes of a provisioning that is under way', async () => {
    const release = world.platform.holds('ensureMachine');
    world.platform.losesReply('ensureMachine');
    const userId = signUp(world, life);
    life.provisioner.takeUpDue();
    await new Promise((resolve) => setTimeout(resolve, 50));
    requestDeletion(userId);
    release();
    await life.provisioner.whenAtRest();
    expect(await life.tenants.find(userId)).toBeNull();
    expect(world.platform.machines).toEqual([]);
  });

  it('waits for a platform that is away, and never fails', async () => {
    const userId = await signUpActive(world, life);
    requestDeletion(userId);
    world.platform.unreachable();
    await carryOnFor(400);
    expect((await rowOf(world, userId)).status).toBe('deleting');
    world.platform.reachable();
    await carryOnFor(20);
    expect(await life.tenants.find(userId)).toBeNull();
  });

  it('leaves an app alone that has our name and is somebody else’s', async () => {
    const userId = await signUpActive(world, life);
    const { appName } = await rowOf(world, userId);
    world.platform.apps.set(appName, 'somebody else');
    requestDeletion(userId);
    await life.provision();
    expect(world.platform.apps.get(appName)).toBe('somebody else');
    expect(await life.tenants.find(userId)).toBeNull();
  });
});
