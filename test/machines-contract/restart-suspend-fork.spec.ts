import { Api } from './support/api';
import {
  getMachine,
  newApp,
  newMachine,
  newVolume,
  start,
  waitFor,
  type MachineBody,
  type VolumeBody,
} from './support/fixtures';
import { aNumber, aText } from './support/matchers';
import { startTarget, type Target } from './support/target';

/** Restart, suspend, events, and what can be done to a volume, over plain HTTP. */
describe('Machines API: restart, suspend, events, extend, fork', () => {
  let target: Target;
  let api: Api;

  beforeAll(async () => {
    target = await startTarget();
    api = new Api(target.baseUrl);
  });

  afterAll(async () => {
    await api.close();
    await target.end();
  });

  const post = (app: string, id: string, verb: string) => api.call('POST', `/v1/apps/${app}/machines/${id}/${verb}`);
  const eventsOf = async (app: string, id: string, query = '') =>
    (await api.call('GET', `/v1/apps/${app}/machines/${id}/events${query}`)).body as MachineBody['events'];

  describe('restart', () => {
    it('ends the process and starts another under the same version', async () => {
      const app = await newApp(api);
      const { id, version } = await newMachine(api, app);
      await start(api, app, id);
      expect(await post(app, id, 'restart?timeout=5s&signal=SIGTERM')).toMatchObject({
        status: 200,
        body: { ok: true },
      });
      await waitFor(api, app, id, 'started');
      expect((await eventsOf(app, id)).map(({ type }) => type)).toEqual([
        'start',
        'exit',
        'restart',
        'start',
        'launch',
      ]);
      expect((await getMachine(api, app, id)).version).toBe(version);
    });

    it('kills what does not end in time, and lets nothing else be asked meanwhile', async () => {
      const app = await newApp(api);
      const { id } = await newMachine(api, app, { image: 'stubborn' });
      await start(api, app, id, 'child');
      await post(app, id, 'restart?timeout=400ms&signal=SIGTERM');
      expect(await post(app, id, 'stop')).toMatchObject({
        status: 412,
        body: { error: "failed_precondition: unable to stop machine from current state: 'restarting'" },
      });
      await waitFor(api, app, id, 'started');
      expect((await eventsOf(app, id))[1]).toMatchObject({
        type: 'exit',
        request: { exit_event: { signal: 'SIGKILL' } },
      });
    });

    it('refuses a machine that does not run, an unknown signal and a time that is none', async () => {
      const app = await newApp(api);
      const { id } = await newMachine(api, app);
      expect(await post(app, id, 'restart')).toMatchObject({
        status: 412,
        body: { error: "failed_precondition: unable to restart machine from current state: 'stopped'" },
      });
      expect((await post(app, id, 'restart?signal=SIGSOON')).status).toBe(400);
      expect((await post(app, id, 'restart?timeout=soon')).status).toBe(400);
    });
  });

  describe('suspend', () => {
    it('rests suspended until it is started, and takes a repeat as done', async () => {
      const app = await newApp(api);
      const { id } = await newMachine(api, app);
      await start(api, app, id);
      expect(await post(app, id, 'suspend')).toMatchObject({ status: 200, body: { ok: true } });
      expect((await post(app, id, 'suspend')).status).toBe(200);
      await waitFor(api, app, id, 'suspended');
      expect((await post(app, id, 'suspend')).status).toBe(200);
      expect(await post(app, id, 'start')).toMatchObject({ status: 200, body: { previous_state: 'suspended' } });
      await waitFor(api, app, id, 'started');
    });

    it('becomes stopped by a stop, and can be destroyed without force', async () => {
      const app = await newApp(api);
      const { id } = await newMachine(api, app);
      await start(api, app, id);
      await post(app, id, 'suspend');
      await waitFor(api, app, id, 'suspended');
      expect((await post(app, id, 'stop')).status).toBe(200);
      await waitFor(api, app, id, 'stopped');
      expect((await api.call('DELETE', `/v1/apps/${app}/machines/${id}`)).status).toBe(200);
    });

    it('refuses a machine that does not run', async () => {
      const app = await newApp(api);
      const { id } = await newMachine(api, app);
      expect(await post(app, id, 'suspend')).toMatchObject({
        status: 412,
        body: { error: "failed_precondition: unable to suspend machine from current state: 'stopped'" },
      });
    });
  });

  it('tells what happened, the newest first, as many as are asked for', async () => {
    const app = await newApp(api);
    const { id } = await newMachine(api, app);
    await start(api, app, id);
    const [newest, ...older] = await eventsOf(app, id);
    expect(newest).toMatchObject({ id: aText, type: 'start', status: 'started', source: 'user', timestamp: aNumber });
    expect(older).toMatchObject([{ type: 'launch' }]);
    expect(await eventsOf(app, id, '?limit=1')).toEqual([newest]);
    const path = `/v1/apps/${app}/machines/${id}/events`;
    expect((await api.call('GET', `${path}?limit=0`)).status).toBe(400);
    expect((await api.call('GET', `/v1/apps/${app}/machines/11112222333344/events`)).status).toBe(404);
  });

  describe('volumes', () => {
    const extend = (app: string, id: string, body: object) =>
      api.call('PUT', `/v1/apps/${app}/volumes/${id}/extend`, { body });
    const fork = (app: string, body: object) => api.call('POST', `/v1/apps/${app}/volumes`, { body });

    it('extends, also twice, and never shrinks', async () => {
      const app = await newApp(api);
      const { id } = await newVolume(api, app);
      const extended = { status: 200, body: { needs_restart: false, volume: { id, size_gb: 2 } } };
      expect(await extend(app, id, { size_gb: 2 })).toMatchObject(extended);
      expect(await extend(app, id, { size_gb: 2 })).toMatchObject(extended);
      expect((await extend(app, id, { size_gb: 1 })).status).toBe(412);
      expect((await extend(app, id, { size_gb: 501 })).status).toBe(400);
      expect((await extend(app, 'vol_x', { size_gb: 2 })).status).toBe(404);
      expect((await api.call('GET', `/v1/apps/${app}/volumes/${id}`)).body).toMatchObject({ size_gb: 2 });
    });

    it('forks a volume with what is on it, which then goes its own way', async () => {
      const app = await newApp(api);
      const source = await newVolume(api, app);
      const counting = { image: 'starts', env: { DATA_DIR: '/data' }, launch: true };
      const written = async (volume: string) => {
        const { id } = await newMachine(api, app, { ...counting, volume });
        await waitFor(api, app, id, 'stopped');
        const { body } = await api.call('GET', `/v1/apps/${app}/machines/${id}/logs`);
        await api.call('DELETE', `/v1/apps/${app}/machines/${id}`);
        return body;
      };
      expect(await written(source.id)).toBe('1 starts\n');

      const forked = await fork(app, { name: 'data', source_volume_id: source.id });
      expect(forked).toMatchObject({
        status: 200,
        body: { region: 'iad', size_gb: 1, attached_machine_id: null },
      });
      const { id } = forked.body as VolumeBody;
      expect(id).not.toBe(source.id);
      expect(await written(id)).toBe('2 starts\n');
      expect(await written(id)).toBe('3 starts\n');
      expect(await written(source.id)).toBe('2 starts\n');
    });

    it('refuses a fork of a volume that is in use, that is another app’s, or to a smaller size', async () => {
      const app = await newApp(api);
      const source = await newVolume(api, app);
      await extend(app, source.id, { size_gb: 2 });
      const { id } = await newMachine(api, app, { volume: source.id });
      await start(api, app, id);
      const request = { name: 'data', region: 'iad', source_volume_id: source.id };
      expect((await fork(app, request)).status).toBe(412);
      await post(app, id, 'stop');
      await waitFor(api, app, id, 'stopped');
      expect((await fork(app, { ...request, size_gb: 1 })).status).toBe(400);
      expect((await fork(await newApp(api), request)).status).toBe(404);
      expect((await fork(app, request)).status).toBe(200);
    });

    it('makes no empty volume where a snapshot was to be restored', async () => {
      const app = await newApp(api);
      expect((await fork(app, { name: 'data', region: 'iad', snapshot_id: 'vs_1' })).status).toBe(400);
      expect((await api.call('GET', `/v1/apps/${app}/volumes`)).body).toEqual([]);
    });
  });
});
