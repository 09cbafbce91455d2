import { DockerContainers } from '@app/minifly-client/docker-containers';
import { LocatorContainers } from '@app/minifly-client/locator-containers';
import { MachinesClient } from '@app/minifly-client/machines-client';
import { MiniflyPlatform } from '@app/minifly-client/minifly-platform';
import type { AppSpec, MachineRef, MachineSpec, Platform, VolumeSpec } from '@app/minifly-client/platform';
import { defaultRetry } from '@app/minifly-client/retry';
import Docker from 'dockerode';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { request } from 'undici';
import { newAppName } from '../machines-contract/support/api';
import { LossyProxy } from '../machines-contract/support/lossy-proxy';
import { until } from '../support/until';
import { containersOf, contractImage, removeByHand } from './support/docker';
import { MemoryLedger } from './support/memory-ledger';
import { RealMinifly } from './support/real-minifly';

/** The verbs of the control plane against Minifly itself: what it forgets, leaves out and says wrongly, row by row. */
describe('MiniflyPlatform', () => {
  let minifly: RealMinifly;
  let proxy: LossyProxy;
  let client: MachinesClient;
  let platform: Platform;
  let echo: string;
  const ledger = new MemoryLedger();
  const docker = new DockerContainers();
  const signal = AbortSignal.timeout(600_000);

  const clientOf = (baseUrl: string) => new MachinesClient({ baseUrl, retry: { ...defaultRetry, attempts: 1 } });

  beforeAll(async () => {
    echo = contractImage('echo');
    minifly = await RealMinifly.start();
    proxy = await LossyProxy.start(minifly.url);
    client = clientOf(proxy.baseUrl);
    platform = new MiniflyPlatform({ client, containers: docker, ledger });
  }, 120_000);

  afterAll(async () => {
    await client.close();
    await proxy.close();
    await minifly.end();
  });

  function newTenant(appName = newAppName()): AppSpec {
    return { appName, tenantId: randomUUID() };
  }
  const volumeSpec = (app: AppSpec, knownVolumeId: string | null = null): VolumeSpec => ({
    ...app,
    region: 'fra',
    sizeGb: 1,
    memoryMb: 128,
    knownVolumeId,
  });
  const machineSpec = (app: AppSpec, volumeId: string, env = {}, image = echo): MachineSpec => ({
    ...app,
    region: 'fra',
    volumeId,
    image,
    env: { TENANT_ID: app.tenantId, DATA_DIR: '/data', ...env },
    mountPath: '/data',
    internalPort: 3000,
    memoryMb: 128,
  });

  interface Provisioned {
    app: AppSpec;
    volumeId: string;
    ref: MachineRef;
  }

  async function provisioned(on = platform, image = echo, app = newTenant()): Promise<Provisioned> {
    await on.ensureApp(app, signal);
    const { volumeId } = await on.ensureVolume(volumeSpec(app), signal);
    const { machineId } = await on.ensureMachine(machineSpec(app, volumeId, {}, image), signal);
    return { app, volumeId, ref: { appName: app.appName, machineId } };
  }

  async function running(on = platform, app = newTenant()): Promise<Provisioned> {
    const made = await provisioned(on, echo, app);
    await on.start(made.ref, signal);
    return made;
  }

  const stateOf = async (app: AppSpec, on = platform) => (await on.look(app, signal)).machines[0]?.state;

  /** The environment of what answers at the machine's address. */
  async function ask(ref: MachineRef, path = '/', method: 'GET' | 'PUT' = 'GET', on = platform) {
    const { origin } = await on.address(ref, signal);
    return until(async () => {
      const answer = await request(origin + path, { method }).catch(() => null);
      return answer && ((await answer.body.json()) as { env: Record<string, string> }).env;
    });
  }

  it('does every verb twice with the effect of one', async () => {
    const { app, volumeId, ref } = await provisioned();
    await platform.ensureApp(app, signal);
    expect(await platform.ensureVolume(volumeSpec(app), signal)).toEqual({ volumeId }); // never mounted so far
    expect(await platform.ensureMachine(machineSpec(app, volumeId), signal)).toEqual({
      machineId: ref.machineId,
      volumeId,
    });
    expect(await containersOf(app.appName)).toEqual([]);
    await platform.start(ref, signal);
    await platform.start(ref, signal);
    expect(await containersOf(app.appName)).toMatchObject([{ isRunning: true }]);
    await expect(platform.ensureVolume(volumeSpec(app), signal)).rejects.toMatchObject({ reason: 'conflict' });
    expect(await platform.ensureVolume(volumeSpec(app, volumeId), signal)).toEqual({ volumeId });
    await platform.stop(ref, signal);
    await platform.stop(ref, signal);
    expect(await containersOf(app.appName)).toMatchObject([{ isRunning: false }]);
    await platform.destroy(app, signal);
    await platform.destroy(app, signal);
    await platform.stop(ref, signal);
    expect(await containersOf(app.appName)).toEqual([]);
    expect(await platform.look(app, signal)).toEqual({ app: 'absent', volumes: [], machines: [] });
  }, 60_000);

  it('sees what there is and reaches it; Minifly calls it started, in its app, in an environment that we chose', async () => {
    const { app, volumeId, ref } = await running();
    expect(await platform.look(app, signal)).toEqual({
      app: 'ours',
      volumes: [{ id: volumeId, region: 'fra', attachedMachineId: ref.machineId, everMounted: true }],
      machines: [
        {
          id: `${app.appName}-fra`,
          name: `${app.appName}-fra`,
          state: 'started',
          region: 'fra',
          volumeId,
          env: { TENANT_ID: app.tenantId, DATA_DIR: '/data' },
          version: expect.stringMatching(/^[0-9a-f]{15}$/) as string,
        },
      ],
    });
    expect(await ask(ref)).toMatchObject({
      NODE_ENV: 'production',
      FLY_APP_NAME: app.appName,
      TENANT_ID: app.tenantId,
    });
    await until(async () => (await client.listMachines(app.appName, {}, signal))[0]?.state === 'started');
    expect((await client.getApp(app.appName, signal)).organization?.slug).toBe(`tenant-${app.tenantId}`);
  });

  it('gives the address anew after each start, and none while it is stopped', async () => {
    const { ref } = await running();
    await ask(ref);
    const before = await platform.address(ref, signal);
    expect(before.headers).toEqual({});
    await platform.stop(ref, signal);
    await expect(platform.address(ref, signal)).rejects.toMatchObject({ reason: 'unknown' });
    await platform.start(ref, signal);
    expect(await platform.address(ref, signal)).not.toEqual(before);
    await ask(ref);
  });

  it('puts what was made from another configuration away, and starts its like on the same volume', async () => {
    const { app, volumeId, ref } = await running();
    await ask(ref, '/kept', 'PUT');
    const [before] = await containersOf(app.appName);
    await platform.ensureMachine(machineSpec(app, volumeId), signal); // nothing new
    expect(await containersOf(app.appName)).toEqual([before]);
    await platform.ensureMachine(machineSpec(app, volumeId, { KEYS: 'new' }), signal);
    expect(await containersOf(app.appName)).toEqual([]);
    expect(await stateOf(app)).toBe('stopped');
    await platform.start(ref, signal);
    expect(await ask(ref)).toMatchObject({ KEYS: 'new' });
    expect(readdirSync(minifly.volumeDir(app.appName, volumeId))).toContain('kept');
  });

  it('makes no second machine when the answer to a create was lost', async () => {
    const { app, ref } = await provisioned();
    proxy.loseAnswers(1, 'POST', /\/machines$/);
    await expect(platform.start(ref, signal)).rejects.toMatchObject({ reason: 'unavailable', status: 0 });
    expect(await containersOf(app.appName)).toHaveLength(1);
    await platform.start(ref, signal);
    expect(await containersOf(app.appName)).toMatchObject([{ isRunning: true }]);
    await ask(ref);
  });

  describe('when Minifly has forgotten everything', () => {
    it('goes on serving what runs, stops it through Docker, and makes it anew on its volume', async () => {
      const { app, volumeId, ref } = await running();
      await ask(ref, '/kept', 'PUT');
      const [old] = await containersOf(app.appName);
      await minifly.restart();
      expect(await client.listMachines(app.appName, {}, signal)).toEqual([]);
      expect(await stateOf(app)).toBe('started');
      await ask(ref);
      await platform.start(ref, signal); // it runs
      await platform.stop(ref, signal);
      expect(await stateOf(app)).toBe('stopped');
      await platform.start(ref, signal);
      const containers = await containersOf(app.appName);
      expect(containers).toMatchObject([{ isRunning: true }]);
      expect(containers[0]?.machineId).not.toBe(old?.machineId);
      expect((await ask(ref))['FLY_MACHINE_ID']).toBe(containers[0]?.machineId);
      expect(readdirSync(minifly.volumeDir(app.appName, volumeId))).toContain('kept');
    }, 60_000);

    it('destroys what is left of an app all the same', async () => {
      const { app, volumeId, ref } = await running();
      await ask(ref, '/kept', 'PUT');
      await minifly.restart();
      await platform.destroy(app, signal);
      expect(await containersOf(app.appName)).toEqual([]);
      expect(readdirSync(minifly.volumeDir(app.appName, volumeId))).toEqual([]);
    }, 60_000);

    it('takes a container that is in nobody’s books for somebody else’s', async () => {
      const { app } = await running();
      await minifly.restart();
      const other: Platform = new MiniflyPlatform({ client, containers: docker, ledger: new MemoryLedger() });
      expect((await other.look(app, signal)).app).toBe('foreign');
      await expect(other.ensureApp(app, signal)).rejects.toMatchObject({ reason: 'name_taken' });
      await expect(other.destroy(app, signal)).rejects.toMatchObject({ reason: 'name_taken' });
      expect(await containersOf(app.appName)).toMatchObject([{ isRunning: true }]);
    }, 60_000);
  });

  it('takes a container that was removed by hand for stopped, and starts it anew on its volume', async () => {
    const { app, volumeId, ref } = await running();
    await ask(ref, '/kept', 'PUT');
    await removeByHand(app.appName);
    expect(await stateOf(app)).toBe('stopped');
    await platform.stop(ref, signal);
    await platform.start(ref, signal);
    expect(await containersOf(app.appName)).toMatchObject([{ isRunning: true }]);
    await ask(ref);
    expect(readdirSync(minifly.volumeDir(app.appName, volumeId))).toContain('kept');
  });

  it('says that a program ended, whatever Minifly calls it', async () => {
    const { app, ref } = await provisioned(platform, contractImage('crash'));
    await expect(platform.start(ref, signal)).rejects.toMatchObject({ reason: 'unavailable', status: 200 });
    expect(await stateOf(app)).toBe('stopped');
  });

  it('says that Docker refused, which is an answer, and leaves nothing that a repeat would trip over', async () => {
    const { app, ref, volumeId } = await provisioned(platform, 'not-built');
    await expect(platform.start(ref, signal)).rejects.toMatchObject({ reason: 'unknown', status: 500 });
    await expect(platform.start(ref, signal)).rejects.toMatchObject({ reason: 'unknown', status: 500 });
    await platform.ensureMachine(machineSpec(app, volumeId), signal);
    await platform.start(ref, signal);
    expect(await containersOf(app.appName)).toMatchObject([{ isRunning: true }]);
  });

  it('leaves an app alone that bears another tenant id', async () => {
    const { app, volumeId } = await running();
    const stranger = { ...app, tenantId: randomUUID() };
    const elsewhere: Platform = new MiniflyPlatform({ client, containers: docker, ledger: new MemoryLedger() });
    for (const on of [platform, elsewhere]) {
      await expect(on.ensureApp(stranger, signal)).rejects.toMatchObject({ reason: 'name_taken' });
      await expect(on.destroy(stranger, signal)).rejects.toMatchObject({ reason: 'name_taken' });
      expect(await on.look(stranger, signal)).toEqual({ app: 'foreign', volumes: [], machines: [] });
    }
    await expect(platform.ensureVolume(volumeSpec(stranger), signal)).rejects.toMatchObject({ reason: 'name_taken' });
    const machine = platform.ensureMachine(machineSpec(stranger, volumeId), signal);
    await expect(machine).rejects.toMatchObject({ reason: 'name_taken' });
    expect(await containersOf(app.appName)).toMatchObject([{ isRunning: true }]);
  });

  it('never replaces a volume of its own that books lost name no more', async () => {
    const { app, volumeId } = await running();
    const restored: Platform = new MiniflyPlatform({ client, containers: docker, ledger: new MemoryLedger() });
    await restored.ensureApp(app, signal);
    await expect(restored.ensureVolume(volumeSpec(app), signal)).rejects.toMatchObject({ reason: 'conflict' });
    expect(await restored.ensureVolume(volumeSpec(app, volumeId), signal)).toEqual({ volumeId });
  });

  it('says not_found for a known volume that is gone and makes no other', async () => {
    const app = newTenant();
    await expect(platform.ensureVolume(volumeSpec(app), signal)).rejects.toMatchObject({ reason: 'not_found' });
    await platform.ensureApp(app, signal);
    const gone = platform.ensureVolume(volumeSpec(app, 'vol_0'), signal);
    await expect(gone).rejects.toMatchObject({ reason: 'not_found' });
    expect((await platform.look(app, signal)).volumes).toEqual([]);
  });

  it('keeps an app apart from one whose name begins with its own', async () => {
    const long = newTenant(`${newAppName()}-x`);
    const short = newTenant(long.appName.slice(0, -2));
    for (const app of [long, short]) {
      await platform.ensureApp(app, signal);
      const { volumeId } = await platform.ensureVolume(volumeSpec(app), signal);
      const { machineId } = await platform.ensureMachine(machineSpec(app, volumeId), signal);
      await platform.start({ appName: app.appName, machineId }, signal);
    }
    expect(await client.listMachines(short.appName, {}, signal)).toHaveLength(2); // Minifly lists by prefix
    expect((await platform.look(short, signal)).machines).toMatchObject([{ id: `${short.appName}-fra` }]);
    await platform.destroy(short, signal);
    expect(await stateOf(long)).toBe('started');
  }, 60_000);

  it('refuses a name that would not fit into a host name', async () => {
    const app = newTenant('a'.repeat(37));
    await expect(platform.ensureApp(app, signal)).rejects.toMatchObject({ reason: 'bad_request' });
    const fits = newTenant('b'.repeat(30) + newAppName().slice(-6));
    await platform.ensureApp(fits, signal);
    const { volumeId } = await platform.ensureVolume(volumeSpec(fits), signal);
    const { machineId } = await platform.ensureMachine(machineSpec(fits, volumeId), signal);
    await platform.start({ appName: fits.appName, machineId }, signal);
  });

  it('empties the volumes of what it destroys', async () => {
    const { app, volumeId, ref } = await running();
    await ask(ref, '/private', 'PUT');
    expect(readdirSync(minifly.volumeDir(app.appName, volumeId))).toContain('private');
    await platform.destroy(app, signal);
    expect(existsSync(minifly.volumeDir(app.appName, volumeId))).toBe(true);
    expect(readdirSync(minifly.volumeDir(app.appName, volumeId))).toEqual([]);
    expect(await client.listMachines(app.appName, {}, signal)).toEqual([]);
  });

  it('changes nothing where Docker cannot be asked', async () => {
    const { app, ref, volumeId } = await running();
    const dead = new DockerContainers(new Docker({ socketPath: `${minifly.dataDir}/nobody.sock` }));
    const blind: Platform = new MiniflyPlatform({ client, containers: dead, ledger });
    const verbs = [
      blind.look(app, signal),
      blind.start(ref, signal),
      blind.stop(ref, signal),
      blind.address(ref, signal),
      blind.destroy(app, signal),
      blind.ensureMachine(machineSpec(app, volumeId, {}), signal),
    ];
    for (const verb of verbs) await expect(verb).rejects.toMatchObject({ reason: 'unavailable', status: 0 });
    await expect(platform.look(app, AbortSignal.abort(new Error('given up')))).rejects.toThrow('given up');
    expect(await containersOf(app.appName)).toMatchObject([{ isRunning: true }]);
  });

  it('sees and reaches what runs while Minifly is away, and takes no answer for no answer', async () => {
    const { app, ref } = await running();
    const alone: Platform = new MiniflyPlatform({ client: clientOf('http://127.0.0.1:1'), containers: docker, ledger });
    expect(await stateOf(app, alone)).toBe('started');
    await ask(ref, '/', 'GET', alone);
    await expect(alone.stop(ref, signal)).rejects.toMatchObject({ reason: 'unavailable', status: 0 });
    await expect(alone.destroy(app, signal)).rejects.toMatchObject({ reason: 'unavailable', status: 0 });
    expect(await stateOf(app)).toBe('started');
  });

  it('hears when a container ends', async () => {
    const ended: string[] = [];
    const stop = docker.watch(
      (appName) => ended.push(appName),
      () => undefined,
    );
    const { app } = await running();
    await removeByHand(app.appName);
    await until(() => ended.includes(app.appName));
    stop();
  });

  describe('with a locator in the place of Docker', () => {
    let located: Platform;
    let containers: LocatorContainers;

    beforeAll(() => {
      containers = new LocatorContainers({ directory: minifly.locatorDir, host: '127.0.0.1' });
      located = new MiniflyPlatform({ client, containers, ledger });
    });
    afterAll(() => containers.close());

    it('does every verb', async () => {
      const { app, ref, volumeId } = await running(located);
      expect((await ask(ref, '/', 'GET', located))['TENANT_ID']).toBe(app.tenantId);
      expect((await located.address(ref, signal)).origin).toMatch(/^http:\/\/172\.\d+\.\d+\.\d+:3000$/);
      await located.stop(ref, signal);
      expect(await stateOf(app, located)).toBe('stopped');
      await located.ensureMachine(machineSpec(app, volumeId, { KEYS: 'new' }), signal);
      await located.start(ref, signal);
      expect((await ask(ref, '/', 'GET', located))['KEYS']).toBe('new');
      await located.destroy(app, signal);
      expect(await containersOf(app.appName)).toEqual([]);
    }, 60_000);

    it('leaves what runs to itself when Minifly has forgotten it, and does not make a second one', async () => {
      const { app, ref } = await running(located);
      await minifly.restart();
      expect(await stateOf(app, located)).toBe('started');
      const refusal = { reason: 'conflict', message: expect.stringContaining('docker rm -f') as string };
      await expect(located.stop(ref, signal)).rejects.toMatchObject(refusal);
      await expect(located.destroy(app, signal)).rejects.toMatchObject(refusal);
      expect(await containersOf(app.appName)).toMatchObject([{ isRunning: true }]);
      await removeByHand(app.appName); // as its error says
      await located.start(ref, signal);
      expect(await containersOf(app.appName)).toMatchObject([{ isRunning: true }]);
    }, 60_000);

    it('makes one anew that was stopped when Minifly forgot it, whose start has removed the old one', async () => {
      const { app, ref } = await running(located, newTenant(`todo-user-${randomUUID().slice(0, 8)}`));
      await located.stop(ref, signal);
      const [old] = await containersOf(app.appName);
      await minifly.restart();
      expect(await containersOf(app.appName)).toEqual([]);
      await located.start(ref, signal);
      expect(await containersOf(app.appName)).toMatchObject([{ isRunning: true }]);
      expect((await containersOf(app.appName))[0]?.id).not.toBe(old?.id);
    }, 60_000);

    it('is told where containers are, and nothing else, and by its port only who bears the token', async () => {
      const { app } = await running();
      const [known] = await containers.list(app.appName, signal);
      expect(Object.keys(known ?? {}).sort()).toEqual([
        'appName',
        'exitCode',
        'machineId',
        'originOf',
        'state',
        'volumeId',
      ]);
      const url = `http://127.0.0.1:${minifly.locatorPort}`;
      expect((await fetch(`${url}/v1/containers?app=${app.appName}`)).status).toBe(401);
      const elsewhere = new LocatorContainers({ directory: '/nowhere', host: '127.0.0.1' });
      await expect(elsewhere.list(app.appName, signal)).rejects.toMatchObject({ reason: 'unavailable', status: 0 });
      const headers = { authorization: `Bearer ${readFileSync(`${minifly.locatorDir}/token`, 'utf8')}` };
      const status = async (path: string, method = 'GET') => (await fetch(url + path, { method, headers })).status;
      expect(await status(`/v1/containers?app=${app.appName}`)).toBe(200);
      expect(await status(`/v1/containers?app=${app.appName}`, 'DELETE')).toBe(405);
      for (const path of ['/', '/v1/containers', '/containers/json', '//', '/v1/containers?app=../x']) {
        expect([path, await status(path)]).toEqual([path, 404]);
      }
    });
  });
});
