import { failedWith } from '@app/minifly-client/errors';
import { FlyPlatform, type FlyPlatformOptions } from '@app/minifly-client/fly-platform';
import { Flycast } from '@app/minifly-client/flycast';
import { MachinesClient } from '@app/minifly-client/machines-client';
import type { AppSpec, MachineSpec, VolumeSpec } from '@app/minifly-client/platform';
import { defaultRetry } from '@app/minifly-client/retry';
import { FlyFake, type Fault } from '../support/fly-fake';
import { FlyOpenApi } from '../support/fly-openapi';

/** Where Fly's file is known to say other than Fly's server does. */
const ERRORS_OF_THE_FILE: Record<string, string> = {
  'POST /apps: body has app_name, which is not in the file':
    'The guides name it app_name, the file name. The server takes either; both are sent, because Minifly wants the first.',
  'DELETE /apps/{app_name}: ?force is not in the file':
    'In the guides: it stops what runs, instead of refusing to delete an app with running machines.',
};

const TENANT = '2f9c0b6e-7a31-4a0e-9a53-6d8f4f5f0c11';
const app: AppSpec = { appName: 'todo-user-2f9c0b6e', tenantId: TENANT };
const volumeSpec: VolumeSpec = { ...app, region: 'fra', sizeGb: 1, memoryMb: 512, knownVolumeId: null };
const machineSpec = (volumeId: string, more: Partial<MachineSpec> = {}): MachineSpec => ({
  ...app,
  region: 'fra',
  volumeId,
  image: 'registry.fly.io/todo-tenant@sha256:0',
  env: { TENANT_ID: TENANT },
  mountPath: '/data',
  internalPort: 3000,
  memoryMb: 512,
  ...more,
});

const CREATE_APP = /^POST \/apps$/;
const GET_APP = /^GET \/apps\/[^/]+$/;
const DELETE_APP = /^DELETE \/apps\/[^/]+$/;
const LIST_VOLUMES = /^GET .*\/volumes$/;
const CREATE_VOLUME = /^POST .*\/volumes$/;
const DELETE_VOLUME = /^DELETE .*\/volumes\/\w+$/;
const CREATE_MACHINE = /^POST .*\/machines$/;
const GET_MACHINE = /^GET .*\/machines\/\w+$/;
const UPDATE = /^POST .*\/machines\/\w+$/;
const START = /\/start$/;
const STOP = /\/stop$/;
const SUSPEND = /\/suspend$/;
const WAIT = /\/wait$/;
const ASSIGN_IP = /^POST .*\/ip_assignments$/;

const refusal = (status: number, error: string, word?: string): Fault['act'] => ({
  status,
  body: { error, ...(word ? { status: word } : {}) },
});

const NO_ROOM_IN_REGION = refusal(422, 'could not find a candidate host', 'insufficient_capacity');
const NO_ROOM_ON_VOLUMES_HOST = refusal(
  412,
  'insufficient resources to create new machine with existing volume id',
  'volume_placement_capacity',
);
const NO_ROOM_ON_HOST = refusal(
  409,
  'could not reserve resource for machine: insufficient memory available to fulfill request on the current host',
);
const OVER_QUOTA = refusal(403, 'organization acme is using 9 MB of memory in fra which is over the allowed quota');
const NO_ROWS = refusal(500, 'internal: failed to get app: sql: no rows in result set');
const REPLACING = refusal(412, 'failed_precondition: machine getting replaced, refusing to start');

/** What the control plane asks, as Fly answers it on its better and its worse days. */
describe('FlyPlatform on Fly', () => {
  const signal = AbortSignal.timeout(60_000);
  const openApi = new FlyOpenApi();
  const seenErrorsOfTheFile = new Set<string>();
  let fly: FlyFake;
  let client: MachinesClient;
  let platform: FlyPlatform;
  /** How long was paused between two tries, ms, without pausing. */
  let pauses: number[];

  beforeEach(async () => {
    fly = await FlyFake.start();
    pauses = [];
    client = new MachinesClient({
      baseUrl: fly.url,
      token: 'FlyV1 x',
      retry: { ...defaultRetry, baseMs: 1, maxMs: 2 },
    });
    platform = platformWith();
  });

  afterEach(async () => {
    await client.close();
    await fly.close();
    const problems = fly.requests.flatMap((request) => openApi.problemsOf(request));
    for (const known of Object.keys(ERRORS_OF_THE_FILE)) if (problems.includes(known)) seenErrorsOfTheFile.add(known);
    expect(problems.filter((problem) => !(problem in ERRORS_OF_THE_FILE))).toEqual([]);
  });

  afterAll(() => {
    // One that is not met any more has been mended, or is asked no more.
    expect([...seenErrorsOfTheFile].sort()).toEqual(Object.keys(ERRORS_OF_THE_FILE).sort());
  });

  const platformWith = (options: Partial<FlyPlatformOptions> = {}) =>
    new FlyPlatform({
      client,
      orgSlug: 'acme',
      reach: new Flycast({ client }),
      fallbackRegions: { fra: ['ams', 'cdg'] },
      pause: (ms) => {
        pauses.push(ms);
        return Promise.resolve();
      },
      ...options,
    });

  const theApp = () => fly.app(app.appName);
  const theMachine = () => {
    const [machine] = theApp().machines.filter(({ state }) => state !== 'destroyed');
    if (!machine) throw new Error('There is no machine.');
    return machine;
  };
  const keptVolumes = () => theApp().volumes.filter(({ state }) => state === 'created');
  const failureOf = (call: Promise<unknown>) =>
    call.then(
      () => null,
      (error: unknown) => error,
    );

  async function withVolume(): Promise<string> {
    await platform.ensureApp(app, signal);
    return (await platform.ensureVolume(volumeSpec, signal)).volumeId;
  }

  async function withMachine() {
    const volumeId = await withVolume();
    const { machineId } = await platform.ensureMachine(machineSpec(volumeId), signal);
    return { volumeId, machineId, ref: { appName: app.appName, machineId } };
  }

  describe('from nothing to a tenant that runs', () => {
    it('makes an app on its own network, a volume sized for its machine, the machine, and its way in', async () => {
      const { volumeId, machineId, ref } = await withMachine();
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
      const { volumeId, machineId, ref } = await withMachine();
      await platform.ensureApp(app, signal);
      await platform.ensureVolume({ ...volumeSpec, knownVolumeId: volumeId }, signal);
      expect(await platform.ensureMachine(machineSpec(volumeId), signal)).toEqual({ machineId, volumeId });
      await platform.start(ref, signal);
      await platform.start(ref, signal);
      await platform.stop(ref, signal);
      await platform.stop(ref, signal);
      expect(theApp()).toMatchObject({ ips: [{}], volumes: [{}], machines: [{}] });
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
      ['502 in HTML', { status: 502, body: '<html>bad gateway</html>' }],
      ['429', { status: 429, body: 'slow down', headers: { 'retry-after': '0' } }],
      ['a connection that breaks', 'reset'],
      ['an answer that is lost', 'lost'],
    ];
    /** Calls that are repeated by themselves, because a second time does no harm. */
    const REPEATED: [string, RegExp, () => Promise<unknown>][] = [
      ['create app', CREATE_APP, () => platform.ensureApp(app, signal)],
      ['look', LIST_VOLUMES, () => platform.ensureApp(app, signal).then(() => platform.look(app, signal))],
      ['create machine', CREATE_MACHINE, () => withMachine()],
      ['start', START, () => withMachine().then(({ ref }) => platform.start(ref, signal))],
      ['stop', STOP, () => withMachine().then(({ ref }) => platform.stop(ref, signal))],
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

    it.each([...OUTAGES.filter(([how]) => how !== '429').map(([how, act]) => ({ how, act }))])(
      'makes no second volume after $how, and the next try adopts one that was made',
      async ({ act }) => {
        await platform.ensureApp(app, signal);
        fly.fault({ on: CREATE_VOLUME, act });
        const failure = await failureOf(platform.ensureVolume(volumeSpec, signal));
        expect(failure).toMatchObject({ reason: 'unavailable' });
        expect(fly.asked(CREATE_VOLUME)).toHaveLength(1);
        await platform.ensureVolume(volumeSpec, signal);
        expect(keptVolumes()).toHaveLength(1);
      },
    );

    it('does not repeat an update whose answer was lost, and the next try finds it done', async () => {
      const { volumeId, machineId } = await withMachine();
      const wanted = machineSpec(volumeId, { env: { TENANT_ID: TENANT, KEYS: 'new' } });
      fly.fault({ on: UPDATE, act: 'lost' });
      expect(await failureOf(platform.ensureMachine(wanted, signal))).toMatchObject({
        reason: 'unavailable',
        status: 0,
      });
      expect(await platform.ensureMachine(wanted, signal)).toEqual({ machineId, volumeId });
      expect(fly.asked(UPDATE)).toHaveLength(1);
      expect(theMachine().config).toMatchObject({ env: { KEYS: 'new' } });
    });

    it('says that it could not ask, and never that something is gone', async () => {
      await withMachine();
      fly.fault({ on: GET_APP, act: refusal(503, 'unavailable'), times: 10 });
      expect(await failureOf(platform.look(app, signal))).toMatchObject({ reason: 'unavailable', status: 503 });
    });

    it('says that its token is not good', async () => {
      fly.fault({ on: CREATE_APP, act: refusal(401, 'unauthorized') });
      expect(await failureOf(platform.ensureApp(app, signal))).toMatchObject({ reason: 'unauthorized', status: 401 });
    });
  });

  describe('an app name that is taken', () => {
    it('is ours when the app is on the tenant’s network', async () => {
      fly.fault({ on: CREATE_APP, act: 'lost' });
      await platform.ensureApp(app, signal);
      expect(theApp().ips).toHaveLength(1);
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
      await withMachine();
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
      expect(keptVolumes()).toHaveLength(1);
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
      expect(theMachine()).toMatchObject({ name: `${app.appName}-fra`, region: 'cdg' });
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
      expect(theApp().volumes).toEqual([]);
    });

    it('goes nowhere else where nobody said so', async () => {
      await platform.ensureApp(app, signal);
      fly.fault({ on: CREATE_VOLUME, act: NO_ROOM_IN_REGION });
      const failure = await failureOf(platformWith({ fallbackRegions: {} }).ensureVolume(volumeSpec, signal));
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
        const volumeId = await withVolume();
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
        expect(keptVolumes()).toMatchObject([
          { id: made.volumeId, source: volumeId, attached_machine_id: made.machineId },
        ]);
      },
    );

    it('keeps a volume that was mounted, and never takes a copy that an earlier try made', async () => {
      const { volumeId, machineId } = await withMachine();
      await client.deleteMachine(app.appName, machineId, { force: true }, signal);
      fly.fault({ on: CREATE_MACHINE, act: NO_ROOM_ON_HOST, times: 2 }); // the copy's host has none either
      expect(await failureOf(platform.ensureMachine(machineSpec(volumeId), signal))).toMatchObject({
        reason: 'capacity_host',
      });
      const [, stale] = keptVolumes();
      fly.fault({ on: CREATE_MACHINE, act: NO_ROOM_ON_HOST });
      const made = await platform.ensureMachine(machineSpec(volumeId), signal);
      expect(made.volumeId).not.toBe(stale?.id);
      expect(keptVolumes().map(({ id }) => id)).toEqual([volumeId, made.volumeId]);
    });

    it('deletes no volume for a spare that is so old that what mounted it may not be listed any more', async () => {
      const first = await withVolume();
      const request = { name: 'data', region: 'fra', size_gb: 1 };
      const { id: spare } = await client.createVolume(app.appName, request, signal);
      const nextDay = platformWith({ now: () => Date.now() + 25 * 3600 * 1000 });
      await nextDay.ensureVolume({ ...volumeSpec, knownVolumeId: first }, signal);
      expect(keptVolumes().map(({ id }) => id)).toContain(spare);
      await platform.ensureVolume({ ...volumeSpec, knownVolumeId: first }, signal);
      expect(keptVolumes().map(({ id }) => id)).not.toContain(spare);
    });

    it('says so when a machine is to start, which is then made anew elsewhere when that is asked for', async () => {
      const { volumeId, machineId, ref } = await withMachine();
      fly.fault({ on: START, act: NO_ROOM_ON_HOST });
      expect(await failureOf(platform.start(ref, signal))).toMatchObject({ reason: 'capacity_host', status: 409 });
      const made = await platform.ensureMachine(machineSpec(volumeId, { onAnotherHost: true }), signal);
      expect(made.machineId).not.toBe(machineId);
      expect(keptVolumes()).toMatchObject([
        { id: volumeId, attached_machine_id: null },
        { id: made.volumeId, source: volumeId, attached_machine_id: made.machineId },
      ]);
      expect(fly.machine(app.appName, machineId).state).toBe('destroyed');
    });

    it('moves no machine that runs, and none that ran while it was copied', async () => {
      const { volumeId, machineId, ref } = await withMachine();
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
      expect(theMachine().id).toBe(machineId);
    });
  });

  describe('a machine', () => {
    it('is not made on a volume that is going, whether Fly still shows it or not', async () => {
      const volumeId = await withVolume();
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
      expect(theApp().machines).toEqual([]);
    });

    it('is not another tenant’s because it has the name', async () => {
      const { volumeId } = await withMachine();
      theMachine().config = { metadata: { tenant_id: 'another' } };
      expect(await failureOf(platform.ensureMachine(machineSpec(volumeId), signal))).toMatchObject({
        reason: 'name_taken',
      });
      expect(await failureOf(platform.destroy(app, signal))).toMatchObject({ reason: 'name_taken' });
    });

    it.each([
      ['409 concurrent update', refusal(409, 'machine update failed due to concurrent update')],
      ['412 stale version', refusal(412, 'failed_precondition: machine version is 01X')],
    ])('is read again before the next try to update it: %s', async (_, act) => {
      const { volumeId } = await withMachine();
      fly.fault({ on: UPDATE, act });
      await platform.ensureMachine(machineSpec(volumeId, { env: { KEYS: 'new' } }), signal);
      expect(theMachine().config).toMatchObject({ env: { KEYS: 'new' } });
      expect(fly.asked(UPDATE)).toHaveLength(2);
    });

    it('that went back to what it was is not taken for updated', async () => {
      const { volumeId } = await withMachine();
      fly.revertsUpdates = true;
      const failure = await failureOf(
        platform.ensureMachine(machineSpec(volumeId, { image: 'registry.fly.io/x' }), signal),
      );
      expect(failure).toMatchObject({ reason: 'reverted' });
    });

    it('starts when it has been replaced, and is waited for while it is still `created`', async () => {
      const { ref } = await withMachine();
      theMachine().next = ['replacing', 'replacing', 'stopped'];
      fly.fault({ on: START, act: REPLACING });
      await platform.start(ref, signal);
      expect(theMachine().state).toBe('started');
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
      const { ref } = await withMachine();
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
      const { ref } = await withMachine();
      theMachine().next = [];
      fly.fault({ on: START, act: { status: 200, body: {} } });
      theMachine().state = 'failed';
      expect(await failureOf(platform.start(ref, signal))).toMatchObject({ reason: 'unavailable', status: 200 });
    });

    it('is stopped under its version, and gone is as good as stopped', async () => {
      const { ref } = await withMachine();
      await platform.start(ref, signal);
      fly.fault({ on: STOP, act: { status: 200, body: { ok: true } } });
      theMachine().next = ['stopping', 'stopping', 'stopped'];
      await platform.stop(ref, signal);
      expect(fly.asked(WAIT).at(-1)?.query.get('version')).toBe(theMachine().version);
      fly.fault({ on: STOP, act: refusal(404, 'machine not found') });
      await platform.stop(ref, signal);
    });

    it.each([
      ['412', refusal(412, 'failed_precondition: machine cannot be suspended')],
      ['409', refusal(409, 'conflict')],
      ['422', refusal(422, 'machines with more than 2 GB cannot be suspended')],
    ])('that cannot be suspended is stopped: %s', async (_, act) => {
      const { ref } = await withMachine();
      await platform.start(ref, signal);
      const suspending = platformWith({ rest: 'suspend' });
      fly.fault({ on: SUSPEND, act });
      await suspending.stop(ref, signal);
      expect(theMachine().state).toBe('stopped');
    });

    it('that is suspended already keeps what it can be resumed from', async () => {
      const { ref } = await withMachine();
      await platform.start(ref, signal);
      const suspending = platformWith({ rest: 'suspend' });
      await suspending.stop(ref, signal);
      fly.fault({ on: SUSPEND, act: refusal(412, 'not started') });
      await suspending.stop(ref, signal);
      expect(theMachine().state).toBe('suspended');
      expect(fly.asked(STOP)).toEqual([]);
    });

    it('on a host that does not answer is not gone', async () => {
      const { machineId, volumeId } = await withMachine();
      Object.assign(theMachine(), {
        host_status: 'unreachable',
        incomplete_config: theMachine().config,
        config: undefined,
      });
      expect(await platform.look(app, signal)).toMatchObject({ machines: [{ id: machineId, volumeId }] });
      theMachine().incomplete_config = undefined as never;
      expect(await failureOf(platform.look(app, signal))).toMatchObject({ reason: 'unavailable', status: 0 });
      expect(await failureOf(platform.destroy(app, signal))).toMatchObject({ reason: 'unavailable' });
    });
  });

  describe('a tenant that is deleted', () => {
    it('is gone when Fly does not show it any more', async () => {
      await withMachine();
      fly.fault({ on: DELETE_APP, act: { status: 202 } }); // accepted, and not done yet
      const done = platform.destroy(app, signal);
      const pausing = pauses.length;
      while (pauses.length < pausing + 3) await new Promise((resolve) => setImmediate(resolve));
      fly.apps.delete(app.appName);
      await done;
      expect(pauses.slice(pausing, pausing + 3)).toEqual([250, 500, 1000]);
    });

    it('counts as deleted when somebody was quicker', async () => {
      await withMachine();
      fly.fault({ on: DELETE_APP, act: refusal(404, 'app not found') });
      const done = platform.destroy(app, signal);
      fly.apps.delete(app.appName);
      await done;
    });
  });

  it('gives an app its address even when its provisioning was cut short before', async () => {
    const { ref } = await withMachine();
    theApp().ips.length = 0;
    const afterRestart = platformWith({ reach: new Flycast({ client, network: 'backstage' }) });
    await afterRestart.address(ref, signal);
    await afterRestart.address(ref, signal);
    expect(fly.asked(ASSIGN_IP).at(-1)?.body).toEqual({ type: 'private_v6', network: 'backstage' });
    expect(theApp().ips).toHaveLength(1);
  });

  it('gives an app public addresses where that was chosen, each once', async () => {
    const open = () => platformWith({ reach: new Flycast({ client, isPublic: true }) });
    await open().ensureApp(app, signal);
    const { ref } = await withMachine(); // which changes nothing about them
    expect(fly.asked(ASSIGN_IP).map(({ body }) => (body as { type: string }).type)).toEqual([
      'private_v6',
      'v6',
      'shared_v4',
    ]);
    expect(await open().address(ref, signal)).toMatchObject({ publicOrigin: `https://${app.appName}.fly.dev` });
    expect(await platform.address(ref, signal)).not.toHaveProperty('publicOrigin');
    expect(theApp().ips).toHaveLength(3);
  });

  it('validates also what no verb of the platform calls', async () => {
    const { machineId, volumeId } = await withMachine();
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
