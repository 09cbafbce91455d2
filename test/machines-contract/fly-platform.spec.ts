import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { FlyPlatform } from '@app/minifly-client/fly-platform';
import { MachinesClient } from '@app/minifly-client/machines-client';
import type { AppSpec, MachineSpec, VolumeSpec } from '@app/minifly-client/platform';
import { Api, newAppName } from './support/api';
import { newStateDir, removeStateDir, startOnSocket, type EmbeddedPlatform } from './support/embedded';
import { untilWritten, waitFor, type MachineBody, type VolumeBody } from './support/fixtures';
import { LossyProxy } from './support/lossy-proxy';
import { eventually } from './support/processes';
import { textLike } from './support/matchers';

/** The verbs of the control plane against a real platform, each repeated as after a lost answer. */
describe('FlyPlatform on the embedded platform', () => {
  let stateDir: string;
  let embedded: EmbeddedPlatform;
  let api: Api;
  let proxy: LossyProxy;
  let client: MachinesClient;
  let platform: FlyPlatform;
  const signal = AbortSignal.timeout(120_000);

  beforeAll(async () => {
    stateDir = newStateDir();
    embedded = await startOnSocket(stateDir);
    api = new Api(embedded.baseUrl);
    proxy = await LossyProxy.start(embedded.baseUrl);
    client = new MachinesClient({ baseUrl: proxy.baseUrl });
    platform = new FlyPlatform({ client, orgSlug: 'personal' });
  });

  afterAll(async () => {
    await client.close();
    await proxy.close();
    await api.close();
    await embedded.stop();
    removeStateDir(stateDir);
  });

  const newTenant = (): AppSpec => ({ appName: newAppName(), tenantId: randomUUID() });
  const volumeSpec = (app: AppSpec, knownVolumeId: string | null = null): VolumeSpec => ({
    ...app,
    region: 'iad',
    sizeGb: 1,
    memoryMb: 256,
    knownVolumeId,
  });
  const machineSpec = (app: AppSpec, volumeId: string, env = {}): MachineSpec => ({
    ...app,
    region: 'iad',
    volumeId,
    image: 'echo',
    env: { DATA_DIR: '/data', ...env },
    mountPath: '/data',
    internalPort: 3000,
    memoryMb: 256,
  });
  const volumesOf = async (app: AppSpec) =>
    (await api.call('GET', `/v1/apps/${app.appName}/volumes`)).body as VolumeBody[];
  const machinesOf = async (app: AppSpec) =>
    (await api.call('GET', `/v1/apps/${app.appName}/machines`)).body as MachineBody[];

  async function provisioned() {
    const app = newTenant();
    await platform.ensureApp(app, signal);
    const { volumeId } = await platform.ensureVolume(volumeSpec(app), signal);
    const { machineId } = await platform.ensureMachine(machineSpec(app, volumeId), signal);
    return { app, volumeId, machineId, ref: { appName: app.appName, machineId } };
  }

  it('does every verb twice with the effect of one', async () => {
    const { app, volumeId, machineId, ref } = await provisioned();
    await platform.ensureApp(app, signal);
    expect(await platform.ensureVolume(volumeSpec(app), signal).catch((error: unknown) => error)).toMatchObject({
      reason: 'conflict', // it is mounted, and no row named it
    });
    expect(await platform.ensureVolume(volumeSpec(app, volumeId), signal)).toEqual({ volumeId });
    expect(await platform.ensureMachine(machineSpec(app, volumeId), signal)).toEqual({ machineId, volumeId });
    await platform.start(ref, signal);
    await platform.start(ref, signal);
    const [machine] = await machinesOf(app);
    expect(machine).toMatchObject({ name: `${app.appName}-iad`, state: 'started' });
    expect(machine?.events.filter(({ type }) => type === 'start')).toHaveLength(1);
    await platform.stop(ref, signal);
    await platform.stop(ref, signal);
    expect(await machinesOf(app)).toMatchObject([{ state: 'stopped' }]);
    await platform.destroy(app, signal);
    await platform.destroy(app, signal);
    await platform.stop(ref, signal);
    expect(await platform.look(app, signal)).toEqual({ app: 'absent', volumes: [], machines: [] });
  });

  it('sees what there is, and reaches the machine at its address', async () => {
    const { app, volumeId, machineId, ref } = await provisioned();
    await platform.start(ref, signal);
    expect(await platform.look(app, signal)).toEqual({
      app: 'ours',
      volumes: [{ id: volumeId, region: 'iad', attachedMachineId: machineId, everMounted: true }],
      machines: [
        {
          id: machineId,
          name: `${app.appName}-iad`,
          state: 'started',
          region: 'iad',
          volumeId,
          env: { DATA_DIR: '/data' },
          version: textLike(/^\w{26}$/),
        },
      ],
    });
    const { origin, headers } = await platform.address(ref, signal);
    expect(headers).toEqual({});
    let answer: { env: Record<string, string> } | undefined;
    while (!answer) {
      answer = await request(origin)
        .then(({ body }) => body.json() as Promise<{ env: Record<string, string> }>)
        .catch(() => undefined);
    }
    expect(answer.env['FLY_MACHINE_ID']).toBe(machineId);
  });

  it('adopts what an earlier try made when the answer to it was lost', async () => {
    const app = newTenant();
    proxy.loseAnswers(1, 'POST', /^\/v1\/apps$/);
    await platform.ensureApp(app, signal);
    proxy.loseAnswers(1, 'POST', /\/volumes$/);
    // A volume's creation is not repeated by itself: nothing would tell the second one from the first.
    const lost = await platform.ensureVolume(volumeSpec(app), signal).catch((error: unknown) => error);
    expect(lost).toMatchObject({ reason: 'unavailable', status: 0 });
    const { volumeId } = await platform.ensureVolume(volumeSpec(app), signal);
    proxy.loseAnswers(1, 'POST', /\/machines$/);
    const { machineId } = await platform.ensureMachine(machineSpec(app, volumeId), signal);
    proxy.loseAnswers(1, 'POST', /\/start$/);
    await platform.start({ appName: app.appName, machineId }, signal);
    expect(await volumesOf(app)).toMatchObject([{ id: volumeId }]);
    expect(await machinesOf(app)).toMatchObject([{ id: machineId, state: 'started' }]);
    expect(proxy.lost).toBe(4);
  });

  it('keeps one never mounted volume and deletes the others', async () => {
    const app = newTenant();
    await platform.ensureApp(app, signal);
    for (const region of ['iad', 'iad', 'lhr']) {
      await api.call('POST', `/v1/apps/${app.appName}/volumes`, { body: { name: 'data', region, size_gb: 1 } });
    }
    const [first] = await volumesOf(app);
    expect(await platform.ensureVolume(volumeSpec(app), signal)).toEqual({ volumeId: first?.id });
    expect((await volumesOf(app)).map(({ region }) => region).sort()).toEqual(['iad', 'lhr']);
  });

  it('never deletes or replaces a volume that a machine, destroyed since, had mounted', async () => {
    const { app, volumeId, machineId } = await provisioned();
    await api.call('DELETE', `/v1/apps/${app.appName}/machines/${machineId}?force=true`);
    await api.call('POST', `/v1/apps/${app.appName}/volumes`, { body: { name: 'data', region: 'iad', size_gb: 1 } });
    await expect(platform.ensureVolume(volumeSpec(app), signal)).rejects.toMatchObject({ reason: 'conflict' });
    expect(await volumesOf(app)).toHaveLength(2);
    expect(await platform.ensureVolume(volumeSpec(app, volumeId), signal)).toEqual({ volumeId });
    expect(await volumesOf(app)).toMatchObject([{ id: volumeId }]);
    const seen = await platform.look(app, signal);
    expect(seen.volumes).toMatchObject([{ id: volumeId, attachedMachineId: null, everMounted: true }]);
    const remade = await platform.ensureMachine(machineSpec(app, volumeId), signal);
    expect(remade.machineId).not.toBe(machineId);
  });

  it('says not_found for a known volume that is gone and makes no other', async () => {
    const app = newTenant();
    await platform.ensureApp(app, signal);
    const gone = platform.ensureVolume(volumeSpec(app, 'vol_0000000000000000'), signal);
    await expect(gone).rejects.toMatchObject({ reason: 'not_found' });
    expect(await volumesOf(app)).toEqual([]);
  });

  it('leaves an app alone that bears another tenant id', async () => {
    const { app, volumeId } = await provisioned();
    const stranger = { ...app, tenantId: randomUUID() };
    await expect(platform.ensureApp(stranger, signal)).rejects.toMatchObject({ reason: 'name_taken' });
    await expect(platform.ensureVolume(volumeSpec(stranger), signal)).rejects.toMatchObject({ reason: 'name_taken' });
    await expect(platform.ensureMachine(machineSpec(stranger, volumeId), signal)).rejects.toMatchObject({
      reason: 'name_taken',
    });
    await expect(platform.destroy(stranger, signal)).rejects.toMatchObject({ reason: 'name_taken' });
    expect(await platform.look(stranger, signal)).toEqual({ app: 'foreign', volumes: [], machines: [] });
    expect(await machinesOf(app)).toHaveLength(1);
  });

  it('adopts no machine whose tenant id is another', async () => {
    const app = newTenant();
    await platform.ensureApp(app, signal);
    const { volumeId } = await platform.ensureVolume(volumeSpec(app), signal);
    const config = { image: 'echo', metadata: { tenant_id: randomUUID() } };
    const body = { name: `${app.appName}-iad`, region: 'iad', skip_launch: true, config };
    await api.call('POST', `/v1/apps/${app.appName}/machines`, { body });
    await expect(platform.ensureMachine(machineSpec(app, volumeId), signal)).rejects.toMatchObject({
      reason: 'name_taken',
    });
    await expect(platform.destroy(app, signal)).rejects.toMatchObject({ reason: 'name_taken' });
  });

  it('updates a machine whose configuration differs, and restarts it where it runs', async () => {
    const { app, volumeId, machineId, ref } = await provisioned();
    const [before] = await machinesOf(app);
    await platform.ensureMachine(machineSpec(app, volumeId, { KEYS: 'new' }), signal);
    const [after] = await machinesOf(app);
    expect(after).toMatchObject({ id: machineId, state: 'stopped', config: { env: { KEYS: 'new' } } });
    expect(after?.version).not.toBe(before?.version);
    await platform.ensureMachine(machineSpec(app, volumeId, { KEYS: 'new' }), signal);
    expect((await machinesOf(app))[0]?.version).toBe(after?.version);
    await platform.start(ref, signal);
    await platform.ensureMachine(machineSpec(app, volumeId, { KEYS: 'newer' }), signal);
    expect(await machinesOf(app)).toMatchObject([{ state: 'started', config: { env: { KEYS: 'newer' } } }]);
  });

  it('does not update over a change that came in between', async () => {
    const { app, volumeId, machineId } = await provisioned();
    const [machine] = await machinesOf(app);
    proxy.holdRequests(400, new RegExp(`^POST .*/machines/${machineId}$`));
    const updating = platform.ensureMachine(machineSpec(app, volumeId, { KEYS: 'new' }), signal);
    await sleep(200);
    const config = { ...machine?.config, env: { DATA_DIR: '/data', KEYS: 'new' } };
    const path = `/v1/apps/${app.appName}/machines/${machineId}`;
    const between = (await api.call('POST', path, { body: { config } })).body as MachineBody;
    expect(await updating).toEqual({ machineId, volumeId });
    expect((await machinesOf(app))[0]?.version).toBe(between.version); // it was what was wanted
    proxy.holdRequests(0, /^$/);
  });

  it('starts a machine that is on its way to a stop when it has arrived there', async () => {
    const app = newTenant();
    await platform.ensureApp(app, signal);
    const { volumeId } = await platform.ensureVolume(volumeSpec(app), signal);
    const spec = { ...machineSpec(app, volumeId), image: 'stubborn' };
    const ref = { appName: app.appName, ...(await platform.ensureMachine(spec, signal)) };
    await platform.start(ref, signal);
    await untilWritten(api, ref.appName, ref.machineId, 'child');
    const body = { signal: 'SIGTERM', timeout: '300ms' };
    await api.call('POST', `/v1/apps/${ref.appName}/machines/${ref.machineId}/stop`, { body });
    expect(await machinesOf(app)).toMatchObject([{ state: 'stopping' }]);
    await platform.start(ref, signal);
    const [machine] = await machinesOf(app);
    expect(machine?.state).toBe('started');
    expect(machine?.events.map(({ type }) => type)).toEqual(['start', 'exit', 'start', 'launch']);
  });

  it('puts a machine anew on a copy of its volume when its host is to be left', async () => {
    const app = newTenant();
    await platform.ensureApp(app, signal);
    const { volumeId } = await platform.ensureVolume(volumeSpec(app), signal);
    const spec = { ...machineSpec(app, volumeId), image: 'starts' };
    const before = { appName: app.appName, ...(await platform.ensureMachine(spec, signal)) };
    const startsOf = async ({ machineId }: { machineId: string }) => {
      await api.call('POST', `/v1/apps/${app.appName}/machines/${machineId}/start`);
      await waitFor(api, app.appName, machineId, 'stopped');
      return (await api.call('GET', `/v1/apps/${app.appName}/machines/${machineId}/logs`)).body;
    };
    expect(await startsOf(before)).toBe('1 starts\n');
    const after = await platform.ensureMachine({ ...spec, onAnotherHost: true }, signal);
    expect(after.machineId).not.toBe(before.machineId);
    expect(after.volumeId).not.toBe(volumeId);
    expect(await startsOf(after)).toBe('2 starts\n');
    expect(await machinesOf(app)).toMatchObject([{ id: after.machineId, name: `${app.appName}-iad` }]);
    // The volume that was mounted stays until the app goes: it may hold the only good data.
    expect((await volumesOf(app)).map(({ id }) => id).sort()).toEqual([volumeId, after.volumeId].sort());
    // And whoever still names it is told what the machine mounts.
    expect(await platform.ensureMachine(spec, signal)).toEqual(after);
  });

  it('suspends instead of stopping where that was chosen, and starts again', async () => {
    const { app, ref } = await provisioned();
    const suspending = new FlyPlatform({ client, orgSlug: 'personal', rest: 'suspend' });
    await suspending.start(ref, signal);
    await suspending.stop(ref, signal);
    expect(await machinesOf(app)).toMatchObject([{ state: 'suspended' }]);
    await suspending.stop(ref, signal); // refused by none of the states that it may be in
    await suspending.start(ref, signal);
    expect(await machinesOf(app)).toMatchObject([{ state: 'started' }]);
  });

  it('restarts, tells what happened, and extends a volume, by the client’s own methods', async () => {
    const { app, volumeId, machineId, ref } = await provisioned();
    await platform.start(ref, signal);
    await untilWritten(api, app.appName, machineId, 'listening');
    await client.restartMachine(app.appName, machineId, { timeout: '5s', signal: 'SIGTERM' }, signal);
    await client.waitUntil(app.appName, machineId, { states: ['started'] }, signal);
    const events = await client.listEvents(app.appName, machineId, 3, signal);
    expect(events.map(({ type }) => type)).toEqual(['start', 'exit', 'restart']);
    const extended = await client.extendVolume(app.appName, volumeId, { size_gb: 2 }, signal);
    expect(extended).toMatchObject({ needsRestart: false, volume: { id: volumeId, size_gb: 2 } });
  });

  it('says that a machine ended instead of running', async () => {
    const app = newTenant();
    await platform.ensureApp(app, signal);
    const { volumeId } = await platform.ensureVolume(volumeSpec(app), signal);
    const spec = { ...machineSpec(app, volumeId), image: 'crash' };
    const ref = { appName: app.appName, ...(await platform.ensureMachine(spec, signal)) };
    proxy.holdRequests(500, /\/wait/); // it has ended by then
    await expect(platform.start(ref, signal)).rejects.toMatchObject({ reason: 'unavailable', status: 200 });
    proxy.holdRequests(0, /^$/);
  });

  it('says that a machine that it stopped was started again by somebody', async () => {
    const { app, ref } = await provisioned();
    await platform.start(ref, signal);
    proxy.holdRequests(500, /^GET .*\/machines\/\w+$/);
    const stopping = platform.stop(ref, signal).catch((error: unknown) => error);
    await eventually('it stops', async () => (await machinesOf(app))[0]?.state === 'stopped');
    await api.call('POST', `/v1/apps/${ref.appName}/machines/${ref.machineId}/start`);
    expect(await stopping).toMatchObject({ reason: 'conflict' });
    proxy.holdRequests(0, /^$/);
  });

  it('takes no answer for no answer', async () => {
    const dead = new FlyPlatform({
      client: new MachinesClient({ baseUrl: `${stateDir}/nobody.sock` }),
      orgSlug: 'personal',
    });
    const app = newTenant();
    await expect(dead.look(app, signal)).rejects.toMatchObject({ reason: 'unavailable', status: 0 });
    const budget = AbortSignal.abort(new Error('given up'));
    await expect(platform.look(app, budget)).rejects.toThrow('given up');
  });
});
