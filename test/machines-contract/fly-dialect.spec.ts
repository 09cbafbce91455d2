import { failedWith } from '@app/minifly-client/errors';
import type { FlyPlatform } from '@app/minifly-client/fly-platform';
import { Flycast } from '@app/minifly-client/flycast';
import type { MachinesClient } from '@app/minifly-client/machines-client';
import type { Fault, FlyFake } from '../support/fly-fake';
import {
  app,
  ASSIGN_IP,
  CREATE_APP,
  CREATE_MACHINE,
  CREATE_VOLUME,
  DELETE_APP,
  DELETE_VOLUME,
  ERRORS_OF_THE_FILE,
  failureOf,
  FlyWorld,
  GET_APP,
  GET_MACHINE,
  LIST_VOLUMES,
  machineSpec,
  refusal,
  REPLACING,
  START,
  STOP,
  SUSPEND,
  TENANT,
  UPDATE,
  volumeSpec,
  WAIT,
} from './support/fly-world';

/** What the control plane asks, as Fly answers it on its better and its worse days. */
describe('FlyPlatform on Fly', () => {
  const signal = AbortSignal.timeout(60_000);
  const metErrorsOfTheFile = new Set<string>();
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
    for (const known of world.problems().known) metErrorsOfTheFile.add(known);
    expect(world.problems().unknown).toEqual([]);
  });

  afterAll(() => {
    // One that is not met any more has been mended, or is asked no more.
    expect([...metErrorsOfTheFile].sort()).toEqual(Object.keys(ERRORS_OF_THE_FILE).sort());
  });

  describe('from nothing to a tenant that runs', () => {
    it('makes an app on its own network, a volume sized for its machine, the machine, and its way in', async () => {
      const { volumeId, machineId, ref } = await world.withMachine();
      await platform.start(ref, signal);
      expect(fly.asked(CREATE_APP)[0]?.body).toEqual({
        app_name: app.appName,
        name: app.appName,
        org_slug: 'acme',
        network: `tenant-${TENANT}`,
      });
      expect(fly.asked(ASSIGN_IP)[0]?.body).toEqual({ type: 'private_v6' });
      expect(fly.asked(CREATE_VOLUME)[0]?.body).toEqual({
        name: 'data',
        region: 'fra',
        size_gb: 1,
        compute: { cpu_kind: 'shared', cpus: 1, memory_mb: 512 },
      });
      expect(fly.asked(CREATE_MACHINE)[0]?.body).toMatchObject({
        name: `${app.appName}-fra`,
        region: 'fra',
        skip_launch: true,
        config: {
          guest: { cpu_kind: 'shared', cpus: 1, memory_mb: 512 },
          mounts: [{ volume: volumeId, path: '/data' }],
          metadata: { tenant_id: TENANT },
          restart: { policy: 'no' },
          services: [
            {
              autostop: 'off',
              autostart: false,
              ports: [
                { port: 80, handlers: ['http'] },
                { port: 443, handlers: ['tls', 'http'] },
              ],
            },
          ],
          checks: { ready: { type: 'http', path: '/readyz' } },
        },
      });
      expect(await platform.address(ref, signal)).toEqual({
        origin: `http://${app.appName}.flycast`,
        headers: { 'fly-force-instance-id': machineId },
      });
      expect(await platform.look(app, signal)).toMatchObject({
        app: 'ours',
        volumes: [{ id: volumeId, region: 'fra', attachedMachineId: machineId, everMounted: true }],
        machines: [{ id: machineId, state: 'started', volumeId, env: { TENANT_ID: TENANT } }],
      });
    });

    it('does it all twice with the effect of once', async () => {
      const { volumeId, machineId, ref } = await world.withMachine();
      await platform.ensureApp(app, signal);
      await platform.ensureVolume({ ...volumeSpec, knownVolumeId: volumeId }, signal);
      expect(await platform.ensureMachine(machineSpec(volumeId), signal)).toEqual({ machineId, volumeId });
      await platform.start(ref, signal);
      await platform.start(ref, signal);
      await platform.stop(ref, signal);
      await platform.stop(ref, signal);
      expect(world.app()).toMatchObject({ ips: [{}], volumes: [{}], machines: [{}] });
      expect(fly.asked(UPDATE)).toEqual([]); // what Fly reads back in another form is not another thing
      await platform.destroy(app, signal);
      await platform.destroy(app, signal);
      expect(fly.asked(DELETE_APP)).toHaveLength(1);
      expect(fly.asked(DELETE_VOLUME)).toEqual([]);
    });
  });

  describe('when Fly is not to be had', () => {
    const OUTAGES: [string, Fault['act']][] = [
      ['500', refusal(500, 'internal')],
      ['408', refusal(408, 'deadline_exceeded')],
      ['502 in HTML', { status: 502, body: '<html>bad gateway</html>' }],
      ['429', { status: 429, body: 'slow down', headers: { 'retry-after': '0' } }],
      ['a connection that breaks', 'reset'],
      ['an answer that is lost', 'lost'],
    ];
    /** After which nobody knows whether it was carried out. */
    const UNKNOWN_OUTCOMES = OUTAGES.filter(([how]) => how !== '429').map(([how, act]) => ({ how, act }));
    /** Calls that are repeated by themselves, because a second time does no harm. */
    const REPEATED: [string, RegExp, () => Promise<unknown>][] = [
      ['create app', CREATE_APP, () => platform.ensureApp(app, signal)],
      ['look', LIST_VOLUMES, () => platform.ensureApp(app, signal).then(() => platform.look(app, signal))],
      ['create machine', CREATE_MACHINE, () => world.withMachine()],
      ['start', START, () => world.withMachine().then(({ ref }) => platform.start(ref, signal))],
      ['stop', STOP, () => world.withMachine().then(({ ref }) => platform.stop(ref, signal))],
      ['delete app', DELETE_APP, () => platform.ensureApp(app, signal).then(() => platform.destroy(app, signal))],
    ];

    it.each(REPEATED.flatMap(([what, on, verb]) => OUTAGES.map(([how, act]) => ({ what, on, verb, how, act }))))(
      '$what succeeds after $how',
      async ({ on, verb, act }) => {
        fly.fault({ on, act });
        await verb();
        expect(fly.asked(on).length).toBeGreaterThan(1);
        for (const { machines } of fly.apps.values()) expect(machines.length).toBeLessThanOrEqual(1);
      },
    );

    it.each(UNKNOWN_OUTCOMES)(
      'makes no second volume after $how, and the next try adopts one that was made',
      async ({ act }) => {
        await platform.ensureApp(app, signal);
        fly.fault({ on: CREATE_VOLUME, act });
        const failure = await failureOf(platform.ensureVolume(volumeSpec, signal));
        expect(failedWith(failure, 'unavailable', 'timeout')).toBe(true);
        expect(fly.asked(CREATE_VOLUME)).toHaveLength(1);
        await platform.ensureVolume(volumeSpec, signal);
        expect(world.keptVolumes()).toHaveLength(1);
      },
    );

    it.each(UNKNOWN_OUTCOMES)(
      'gives an app no second address after $how, and the next try finds one that was made',
      async ({ act }) => {
        fly.fault({ on: ASSIGN_IP, act });
        const failure = await failureOf(platform.ensureApp(app, signal));
        expect(failedWith(failure, 'unavailable', 'timeout')).toBe(true);
        expect(fly.asked(ASSIGN_IP)).toHaveLength(1);
        await platform.ensureApp(app, signal);
        expect(world.app().ips).toHaveLength(1);
      },
    );

    it('does not repeat an update whose answer was lost, and the next try finds it done', async () => {
      const { volumeId, machineId } = await world.withMachine();
      const wanted = machineSpec(volumeId, { env: { TENANT_ID: TENANT, KEYS: 'new' } });
      fly.fault({ on: UPDATE, act: 'lost' });
      expect(await failureOf(platform.ensureMachine(wanted, signal))).toMatchObject({
        reason: 'unavailable',
        status: 0,
      });
      expect(await platform.ensureMachine(wanted, signal)).toEqual({ machineId, volumeId });
      expect(fly.asked(UPDATE)).toHaveLength(1);
      expect(world.machine().config).toMatchObject({ env: { KEYS: 'new' } });
    });

    it('says that it could not ask, and never that something is gone', async () => {
      await world.withMachine();
      fly.fault({ on: GET_APP, act: refusal(503, 'unavailable'), times: 10 });
      expect(await failureOf(platform.look(app, signal))).toMatchObject({ reason: 'unavailable', status: 503 });
    });

    it.each([
      ['403', refusal(403, 'not authorized'), 'unauthorized'],
      ['409', refusal(409, 'lease currently held by somebody'), 'conflict'],
      ['412', refusal(412, 'failed_precondition: something else'), 'precondition'],
      ['422', refusal(422, 'config is wrong'), 'bad_request'],
    ])('is not asked again for a machine that it refuses to make: %s', async (_, act, reason) => {
      const volumeId = await world.withVolume();
      fly.fault({ on: CREATE_MACHINE, act, times: 10 });
      const failure = await failureOf(platform.ensureMachine(machineSpec(volumeId), signal));
      expect(failure).toMatchObject({ reason });
      expect(fly.asked(CREATE_MACHINE)).toHaveLength(1);
      expect(world.app().machines).toEqual([]);
    });

    it('says that its token is not good', async () => {
      fly.fault({ on: CREATE_APP, act: refusal(401, 'unauthorized') });
      expect(await failureOf(platform.ensureApp(app, signal))).toMatchObject({ reason: 'unauthorized', status: 401 });
    });
  });

  describe('a machine', () => {
    it('is not made on a volume that is going, whether Fly still shows it or not', async () => {
      const volumeId = await world.withVolume();
      fly.fault({ on: CREATE_MACHINE, act: refusal(400, 'volume not found') });
      expect(await failureOf(platform.ensureMachine(machineSpec(volumeId), signal))).toMatchObject({
        reason: 'precondition',
      });
      await client.deleteVolume(app.appName, volumeId, signal);
      expect(await failureOf(platform.ensureMachine(machineSpec(volumeId), signal))).toMatchObject({
        reason: 'precondition',
        message: expect.stringContaining(`volume ${volumeId} not found`) as string,
      });
      expect(await platform.look(app, signal)).toMatchObject({ volumes: [] });
      expect(world.app().machines).toEqual([]);
    });

    it('is not another tenant’s because it has the name', async () => {
      const { volumeId } = await world.withMachine();
      world.machine().config = { metadata: { tenant_id: 'another' } };
      expect(await failureOf(platform.ensureMachine(machineSpec(volumeId), signal))).toMatchObject({
        reason: 'name_taken',
      });
      expect(await failureOf(platform.destroy(app, signal))).toMatchObject({ reason: 'name_taken' });
    });

    it.each([
      ['409 concurrent update', refusal(409, 'machine update failed due to concurrent update')],
      ['412 stale version', refusal(412, 'failed_precondition: machine version is 01X')],
    ])('is read again before the next try to update it: %s', async (_, act) => {
      const { volumeId } = await world.withMachine();
      fly.fault({ on: UPDATE, act });
      await platform.ensureMachine(machineSpec(volumeId, { env: { KEYS: 'new' } }), signal);
      expect(world.machine().config).toMatchObject({ env: { KEYS: 'new' } });
      expect(fly.asked(UPDATE)).toHaveLength(2);
    });

    it('that went back to what it was is not taken for updated', async () => {
      const { volumeId } = await world.withMachine();
      fly.revertsUpdates = true;
      const failure = await failureOf(
        platform.ensureMachine(machineSpec(volumeId, { image: 'registry.fly.io/x' }), signal),
      );
      expect(failure).toMatchObject({ reason: 'reverted' });
    });

    it('starts when it has been replaced, and is waited for while it is still `created`', async () => {
      const { ref } = await world.withMachine();
      world.machine().next = ['replacing', 'replacing', 'stopped'];
      fly.fault({ on: START, act: REPLACING });
      await platform.start(ref, signal);
      expect(world.machine().state).toBe('started');
      await platform.stop(ref, signal);
      pauses.length = 0;
      const created = refusal(412, "failed_precondition: unable to start machine from current state: 'created'");
      fly.fault({ on: START, act: created, times: 3 });
      await platform.start(ref, signal);
      expect(pauses).toEqual([250, 500, 1000]);
      await platform.stop(ref, signal);
      fly.fault({ on: START, act: created, times: 50 });
      expect(await failureOf(platform.start(ref, signal))).toMatchObject({ reason: 'precondition' });
    });

    it('is waited for again after 408, and after a 404 right after its start', async () => {
      const { ref } = await world.withMachine();
      fly.fault({ on: WAIT, act: refusal(408, 'deadline_exceeded') }, { on: WAIT, act: refusal(404, 'not found') });
      const reading = jest.spyOn(client, 'getMachine').mockResolvedValueOnce({
        id: ref.machineId,
        name: '',
        region: '',
        version: '',
        state: 'starting',
      });
      await platform.start(ref, signal);
      expect(fly.asked(WAIT).length).toBeGreaterThan(1);
      expect(fly.asked(WAIT).every(({ query }) => Number(query.get('timeout')) <= 60)).toBe(true);
      reading.mockRestore();
    });

    it('that ended instead of starting is not awaited any longer', async () => {
      const { ref } = await world.withMachine();
      world.machine().next = [];
      fly.fault({ on: START, act: { status: 200, body: {} } });
      world.machine().state = 'failed';
      expect(await failureOf(platform.start(ref, signal))).toMatchObject({ reason: 'unavailable', status: 200 });
    });

    it('is stopped under its version, and gone is as good as stopped', async () => {
      const { ref } = await world.withMachine();
      await platform.start(ref, signal);
      fly.fault({ on: STOP, act: { status: 200, body: { ok: true } } });
      world.machine().next = ['stopping', 'stopping', 'stopped'];
      await platform.stop(ref, signal);
      expect(fly.asked(WAIT).at(-1)?.query.get('version')).toBe(world.machine().version);
      fly.fault({ on: STOP, act: refusal(404, 'machine not found') });
      await platform.stop(ref, signal);
    });

    it.each([
      ['412', refusal(412, 'failed_precondition: machine cannot be suspended')],
      ['409', refusal(409, 'conflict')],
      ['422', refusal(422, 'machines with more than 2 GB cannot be suspended')],
    ])('that cannot be suspended is stopped: %s', async (_, act) => {
      const { ref } = await world.withMachine();
      await platform.start(ref, signal);
      const suspending = world.platformWith({ rest: 'suspend' });
      fly.fault({ on: SUSPEND, act });
      await suspending.stop(ref, signal);
      expect(world.machine().state).toBe('stopped');
    });

    it('that is suspended already keeps what it can be resumed from', async () => {
      const { ref } = await world.withMachine();
      await platform.start(ref, signal);
      const suspending = world.platformWith({ rest: 'suspend' });
      await suspending.stop(ref, signal);
      fly.fault({ on: SUSPEND, act: refusal(412, 'not started') });
      await suspending.stop(ref, signal);
      expect(world.machine().state).toBe('suspended');
      expect(fly.asked(STOP)).toEqual([]);
    });

    it('on a host that does not answer is not gone', async () => {
      const { machineId, volumeId } = await world.withMachine();
      Object.assign(world.machine(), {
        host_status: 'unreachable',
        incomplete_config: world.machine().config,
        config: undefined,
      });
      expect(await platform.look(app, signal)).toMatchObject({ machines: [{ id: machineId, volumeId }] });
      world.machine().incomplete_config = undefined as never;
      expect(await failureOf(platform.look(app, signal))).toMatchObject({ reason: 'unavailable', status: 0 });
      expect(await failureOf(platform.destroy(app, signal))).toMatchObject({ reason: 'unavailable' });
    });
  });

  describe('a tenant that is deleted', () => {
    it('is gone when Fly does not show it any more', async () => {
      await world.withMachine();
      fly.fault({ on: DELETE_APP, act: { status: 202 } }); // accepted, and not done yet
      const done = platform.destroy(app, signal);
      const pausing = pauses.length;
      while (pauses.length < pausing + 3) await new Promise((resolve) => setImmediate(resolve));
      fly.apps.delete(app.appName);
      await done;
      expect(pauses.slice(pausing, pausing + 3)).toEqual([250, 500, 1000]);
    });

    it('counts as deleted when somebody was quicker', async () => {
      await world.withMachine();
      fly.fault({ on: DELETE_APP, act: refusal(404, 'app not found') });
      const done = platform.destroy(app, signal);
      fly.apps.delete(app.appName);
      await done;
    });
  });

  it('gives an app its address even when its provisioning was cut short before', async () => {
    const { ref } = await world.withMachine();
    world.app().ips.length = 0;
    const afterRestart = world.platformWith({ reach: new Flycast({ client, network: 'backstage' }) });
    await afterRestart.address(ref, signal);
    await afterRestart.address(ref, signal);
    expect(fly.asked(ASSIGN_IP).at(-1)?.body).toEqual({ type: 'private_v6', network: 'backstage' });
    expect(world.app().ips).toHaveLength(1);
  });

  it('gives an app public addresses where that was chosen, each once', async () => {
    const open = () => world.platformWith({ reach: new Flycast({ client, isPublic: true }) });
    await open().ensureApp(app, signal);
    const { ref } = await world.withMachine(); // which changes nothing about them
    expect(fly.asked(ASSIGN_IP).map(({ body }) => (body as { type: string }).type)).toEqual([
      'private_v6',
      'v6',
      'shared_v4',
    ]);
    expect(await open().address(ref, signal)).toMatchObject({ publicOrigin: `https://${app.appName}.fly.dev` });
    expect(await platform.address(ref, signal)).not.toHaveProperty('publicOrigin');
    expect(world.app().ips).toHaveLength(3);
  });

  it('validates also what no verb of the platform calls', async () => {
    const { machineId, volumeId } = await world.withMachine();
    const ignored = () => undefined; // the fake does not know all of these; what is sent is what counts here
    await client.restartMachine(app.appName, machineId, { timeout: '10s', signal: 'SIGTERM' }, signal).catch(ignored);
    await client.listEvents(app.appName, machineId, 50, signal).catch(ignored);
    await client.extendVolume(app.appName, volumeId, { size_gb: 2 }, signal).catch(ignored);
    await client.setMetadata(app.appName, machineId, 'a', 'b', signal).catch(ignored);
    await client.patchMetadata(app.appName, machineId, { metadata: { a: 'b' } }, signal).catch(ignored);
    await client.listMachines(app.appName, { region: 'fra', state: ['started', 'stopped'] }, signal);
    expect(fly.asked(/restart|events|extend|metadata/)).toHaveLength(5);
    expect(fly.asked(GET_MACHINE).length).toBeGreaterThan(0);
  });
});
