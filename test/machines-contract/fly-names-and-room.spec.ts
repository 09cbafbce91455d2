import { failedWith } from '@app/minifly-client/errors';
import type { FlyPlatform } from '@app/minifly-client/fly-platform';
import type { MachinesClient } from '@app/minifly-client/machines-client';
import type { Fault, FlyFake } from '../support/fly-fake';
import {
  app,
  CREATE_APP,
  CREATE_MACHINE,
  CREATE_VOLUME,
  DELETE_APP,
  failureOf,
  FlyWorld,
  GET_APP,
  machineSpec,
  NO_ROOM_IN_REGION,
  NO_ROOM_ON_HOST,
  NO_ROOM_ON_VOLUMES_HOST,
  NO_ROWS,
  OVER_QUOTA,
  refusal,
  START,
  volumeSpec,
} from './support/fly-world';

/** Names that belong to others, and regions and hosts that are full. */
describe('FlyPlatform on Fly: names and room', () => {
  const signal = AbortSignal.timeout(60_000);
  let world: FlyWorld;
  let fly: FlyFake;
  let client: MachinesClient;
  let platform: FlyPlatform;
  let pauses: number[];

  beforeEach(async () => {
    world = await FlyWorld.open();
    ({ fly, client, platform, pauses } = world);
  });

  afterEach(async () => {
    await world.close();
    expect(world.problems().unknown).toEqual([]);
  });

  describe('an app name that is taken', () => {
    it('is ours when the app is on the tenant’s network', async () => {
      fly.fault({ on: CREATE_APP, act: 'lost' });
      await platform.ensureApp(app, signal);
      expect(world.app().ips).toHaveLength(1);
    });

    it.each<[string, () => void]>([
      ['in our organisation, with another mark', () => void fly.apps.set(app.appName, newApp('tenant-of-another'))],
      ['in another organisation', () => void fly.elsewhere.add(app.appName)],
    ])('is somebody else’s %s', async (_, take) => {
      take();
      expect(await failureOf(platform.ensureApp(app, signal))).toMatchObject({ reason: 'name_taken', status: 422 });
      expect(await platform.look(app, signal)).toEqual({ app: 'foreign', volumes: [], machines: [] });
      expect(await failureOf(platform.destroy(app, signal))).toMatchObject({ reason: 'name_taken' });
      expect(fly.asked(DELETE_APP)).toEqual([]);
    });

    it.each([
      ['another organisation', { org_slug: 'umbrella' }],
      ['one app alone', { org_slug: 'acme', apps: ['todo'] }],
    ])('is not somebody else’s because our token is of %s', async (_, token) => {
      await world.withMachine();
      fly.token = token;
      fly.fault({ on: GET_APP, act: refusal(403, 'You are not authorized to view this app'), times: 2 });
      expect(await failureOf(platform.look(app, signal))).toMatchObject({ reason: 'unauthorized', status: 401 });
      fly.token = { user: 'ada@example.org' };
      expect(await platform.look(app, signal)).toMatchObject({ app: 'foreign' });
    });

    it('is waited for while it is taken and not shown, and not given up for another name', async () => {
      fly.fault({ on: GET_APP, act: refusal(404, 'app not found'), times: 2 });
      await platform.ensureApp(app, signal);
      expect(pauses).toEqual([1000, 2000]);
      fly.fault({ on: GET_APP, act: refusal(404, 'app not found'), times: 20 });
      const failure = await failureOf(platform.ensureApp(app, signal));
      expect(failedWith(failure, 'timeout')).toBe(true); // which is "could not ask"
    });

    const newApp = (network: string) => ({ name: app.appName, network, ips: [], volumes: [], machines: [] });
  });

  describe('an app that has not got about yet', () => {
    it.each([
      ['404', refusal(404, 'app not found')],
      ['500 without rows', NO_ROWS],
    ])('is asked again later for its first volume and machine after %s', async (_, act) => {
      await platform.ensureApp(app, signal);
      fly.fault({ on: CREATE_VOLUME, act, times: 3 });
      const { volumeId } = await platform.ensureVolume(volumeSpec, signal);
      expect(pauses).toEqual([1000, 2000, 4000]);
      pauses.length = 0;
      fly.fault({ on: CREATE_MACHINE, act });
      await platform.ensureMachine(machineSpec(volumeId), signal);
      expect(fly.asked(CREATE_MACHINE)).toHaveLength(2);
      expect(world.keptVolumes()).toHaveLength(1);
    });

    it('is given up in the end', async () => {
      await platform.ensureApp(app, signal);
      fly.fault({ on: CREATE_VOLUME, act: refusal(404, 'app not found'), times: 20 });
      expect(await failureOf(platform.ensureVolume(volumeSpec, signal))).toMatchObject({ reason: 'not_found' });
      expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000]);
    });
  });

  describe('a region without room', () => {
    it.each<[string, Fault['act']]>([
      ['422 insufficient_capacity', NO_ROOM_IN_REGION],
      ['409 no capacity', refusal(409, 'failed to create volume: no capacity')],
      ['400 no capacity', refusal(400, 'no capacity')],
      ['403 over the quota', OVER_QUOTA],
    ])('sends the volume, and the machine after it, to the next one: %s', async (_, act) => {
      await platform.ensureApp(app, signal);
      fly.fault({ on: CREATE_VOLUME, act, times: 2 });
      const { volumeId } = await platform.ensureVolume(volumeSpec, signal);
      expect(fly.asked(CREATE_VOLUME).map(({ body }) => (body as { region: string }).region)).toEqual([
        'fra',
        'ams',
        'cdg',
      ]);
      // A repeat knows it as the one for fra, and another region's tenant does not take it for its own.
      expect(await platform.ensureVolume(volumeSpec, signal)).toEqual({ volumeId });
      await platform.ensureMachine(machineSpec(volumeId), signal);
      expect(world.machine()).toMatchObject({ name: `${app.appName}-fra`, region: 'cdg' });
      const own = await platform.ensureVolume({ ...volumeSpec, region: 'cdg' }, signal);
      expect(own.volumeId).not.toBe(volumeId);
    });

    it('says what the region itself said when no other has room either', async () => {
      await platform.ensureApp(app, signal);
      fly.fault({ on: CREATE_VOLUME, act: OVER_QUOTA }, { on: CREATE_VOLUME, act: NO_ROOM_IN_REGION, times: 2 });
      expect(await failureOf(platform.ensureVolume(volumeSpec, signal))).toMatchObject({
        reason: 'quota',
        status: 403,
      });
      expect(world.app().volumes).toEqual([]);
    });

    it('goes nowhere else where nobody said so', async () => {
      await platform.ensureApp(app, signal);
      fly.fault({ on: CREATE_VOLUME, act: NO_ROOM_IN_REGION });
      const failure = await failureOf(world.platformWith({ fallbackRegions: {} }).ensureVolume(volumeSpec, signal));
      expect(failure).toMatchObject({ reason: 'capacity_region' });
      expect(fly.asked(CREATE_VOLUME)).toHaveLength(1);
    });
  });

  describe('a host without room', () => {
    it.each([
      ['412 volume_placement_capacity', NO_ROOM_ON_VOLUMES_HOST],
      ['409 could not reserve', NO_ROOM_ON_HOST],
    ])(
      'gets a new machine on a copy of its volume, and an empty volume goes when the copy is known: %s',
      async (_, act) => {
        const volumeId = await world.withVolume();
        fly.fault({ on: CREATE_MACHINE, act });
        const made = await platform.ensureMachine(machineSpec(volumeId), signal);
        expect(fly.asked(CREATE_VOLUME)[1]?.body).toEqual({
          name: 'data',
          region: 'fra',
          source_volume_id: volumeId,
          compute: { cpu_kind: 'shared', cpus: 1, memory_mb: 512 },
        });
        expect(await platform.ensureMachine(machineSpec(volumeId), signal)).toEqual(made); // for who still names the old one
        await platform.ensureVolume({ ...volumeSpec, knownVolumeId: made.volumeId }, signal);
        expect(world.keptVolumes()).toMatchObject([
          { id: made.volumeId, source: volumeId, attached_machine_id: made.machineId },
        ]);
      },
    );

    it('keeps a volume that was mounted, and never takes a copy that an earlier try made', async () => {
      const { volumeId, machineId } = await world.withMachine();
      await client.deleteMachine(app.appName, machineId, { force: true }, signal);
      fly.fault({ on: CREATE_MACHINE, act: NO_ROOM_ON_HOST, times: 2 }); // the copy's host has none either
      expect(await failureOf(platform.ensureMachine(machineSpec(volumeId), signal))).toMatchObject({
        reason: 'capacity_host',
      });
      const [, stale] = world.keptVolumes();
      fly.fault({ on: CREATE_MACHINE, act: NO_ROOM_ON_HOST });
      const made = await platform.ensureMachine(machineSpec(volumeId), signal);
      expect(made.volumeId).not.toBe(stale?.id);
      expect(world.keptVolumes().map(({ id }) => id)).toEqual([volumeId, made.volumeId]);
    });

    it('deletes no volume for a spare that is so old that what mounted it may not be listed any more', async () => {
      const first = await world.withVolume();
      const request = { name: 'data', region: 'fra', size_gb: 1 };
      const { id: spare } = await client.createVolume(app.appName, request, signal);
      const nextDay = world.platformWith({ now: () => Date.now() + 25 * 3600 * 1000 });
      await nextDay.ensureVolume({ ...volumeSpec, knownVolumeId: first }, signal);
      expect(world.keptVolumes().map(({ id }) => id)).toContain(spare);
      await platform.ensureVolume({ ...volumeSpec, knownVolumeId: first }, signal);
      expect(world.keptVolumes().map(({ id }) => id)).not.toContain(spare);
    });

    it('says so when a machine is to start, which is then made anew elsewhere when that is asked for', async () => {
      const { volumeId, machineId, ref } = await world.withMachine();
      fly.fault({ on: START, act: NO_ROOM_ON_HOST });
      expect(await failureOf(platform.start(ref, signal))).toMatchObject({ reason: 'capacity_host', status: 409 });
      const made = await platform.ensureMachine(machineSpec(volumeId, { onAnotherHost: true }), signal);
      expect(made.machineId).not.toBe(machineId);
      expect(world.keptVolumes()).toMatchObject([
        { id: volumeId, attached_machine_id: null },
        { id: made.volumeId, source: volumeId, attached_machine_id: made.machineId },
      ]);
      expect(fly.machine(app.appName, machineId).state).toBe('destroyed');
    });

    it('moves no machine that runs, and none that ran while it was copied', async () => {
      const { volumeId, machineId, ref } = await world.withMachine();
      await platform.start(ref, signal);
      const moving = () => platform.ensureMachine(machineSpec(volumeId, { onAnotherHost: true }), signal);
      expect(await failureOf(moving())).toMatchObject({ reason: 'conflict' });
      await platform.stop(ref, signal);
      const create = client.createVolume.bind(client);
      jest.spyOn(client, 'createVolume').mockImplementation(async (...args) => {
        const copy = await create(...args);
        await platform.start(ref, signal);
        await platform.stop(ref, signal);
        return copy;
      });
      expect(await failureOf(moving())).toMatchObject({ reason: 'conflict' });
      expect(world.machine().id).toBe(machineId);
    });
  });
});
