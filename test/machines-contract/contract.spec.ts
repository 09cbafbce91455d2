import { Api, newAppName } from './support/api';
import {
  getMachine,
  machineRequest,
  newApp,
  newMachine,
  newVolume,
  start,
  untilWritten,
  waitFor,
  type MachineBody,
  type VolumeBody,
} from './support/fixtures';
import { startTarget, type Target } from './support/target';
import { aNumber, aText, textLike } from './support/matchers';

/** What the control plane relies on of any Machines API, over plain HTTP. */
describe('Machines API', () => {
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

  const create = (app: string, wish = {}) =>
    api.call('POST', `/v1/apps/${app}/machines`, { body: machineRequest(wish) });
  const update = (app: string, id: string, body: object) =>
    api.call('POST', `/v1/apps/${app}/machines/${id}`, { body });
  const wait = (app: string, id: string, query: string) =>
    api.call('GET', `/v1/apps/${app}/machines/${id}/wait?${query}`);

  describe('apps', () => {
    it('creates an app, shows it with its network, and lists it in its organisation', async () => {
      const name = newAppName();
      const made = await api.call('POST', '/v1/apps', {
        body: { app_name: name, org_slug: name, network: 'tenant-x' },
      });
      expect(made).toMatchObject({ status: 201, body: { id: aText, created_at: aNumber } });
      expect(made.headers['fly-request-id']).toEqual(aText);
      const shown = await api.call('GET', `/v1/apps/${name}`);
      expect(shown).toMatchObject({ status: 200, body: { name, network: 'tenant-x', organization: { slug: name } } });
      const listed = await api.call('GET', `/v1/apps?org_slug=${name}`);
      expect(listed).toMatchObject({ status: 200, body: { total_apps: 1, apps: [{ name }] } });
    });

    it('answers 422 name_taken for a name that exists', async () => {
      const app = await newApp(api);
      const again = await api.call('POST', '/v1/apps', { body: { app_name: app, org_slug: 'another' } });
      expect(again.status).toBe(422);
      expect(again.body).toEqual({ error: 'Validation failed: Name has already been taken', status: 'name_taken' });
    });

    it.each([
      ['a name with a capital', { app_name: 'Aa', org_slug: 'o' }, 422],
      ['no organisation', { app_name: 'fine-name' }, 400],
      ['a network that begins with a digit', { app_name: 'fine-name', org_slug: 'o', network: '1x' }, 400],
    ])('refuses %s', async (_, body, status) => {
      expect(await api.call('POST', '/v1/apps', { body })).toMatchObject({
        status,
        body: { error: aText },
      });
    });

    it('deletes an app with its machines and volumes, running ones only with force', async () => {
      const app = await newApp(api);
      const volume = await newVolume(api, app);
      const machine = await newMachine(api, app, { volume: volume.id });
      await start(api, app, machine.id);
      expect((await api.call('DELETE', `/v1/apps/${app}`)).status).toBe(412);
      expect((await api.call('DELETE', `/v1/apps/${app}?force=true`)).status).toBe(202);
      expect((await api.call('GET', `/v1/apps/${app}`)).status).toBe(404);
      expect((await api.call('GET', `/v1/apps/${app}/machines/${machine.id}`)).status).toBe(404);
      expect((await api.call('DELETE', `/v1/apps/${app}`)).status).toBe(404);
    });
  });

  describe('volumes', () => {
    it('creates, shows, lists and deletes a volume', async () => {
      const app = await newApp(api);
      const volume = await newVolume(api, app, 'lhr');
      const shown: Partial<VolumeBody> = { state: 'created', region: 'lhr', size_gb: 1, attached_machine_id: null };
      expect(volume).toMatchObject({ ...shown, id: textLike(/^vol_\w+$/) });
      expect(await api.call('GET', `/v1/apps/${app}/volumes/${volume.id}`)).toMatchObject({ status: 200, body: shown });
      expect((await api.call('GET', `/v1/apps/${app}/volumes`)).body).toHaveLength(1);
      expect((await api.call('DELETE', `/v1/apps/${app}/volumes/${volume.id}`)).status).toBe(200);
      const left = (await api.call('GET', `/v1/apps/${app}/volumes`)).body as VolumeBody[];
      expect(left.filter(({ state }) => state === 'created')).toEqual([]);
    });

    it('refuses to delete a bound volume until its machine is destroyed', async () => {
      const app = await newApp(api);
      const volume = await newVolume(api, app);
      const machine = await newMachine(api, app, { volume: volume.id });
      const path = `/v1/apps/${app}/volumes/${volume.id}`;
      expect((await api.call('GET', path)).body).toMatchObject({ attached_machine_id: machine.id });
      expect(await api.call('DELETE', path)).toMatchObject({
        status: 412,
        body: { error: `failed_precondition: volume is currently bound to machine: ${machine.id}` },
      });
      await api.call('DELETE', `/v1/apps/${app}/machines/${machine.id}?force=true`);
      expect((await api.call('DELETE', path)).status).toBe(200);
    });

    it('gives a volume to one machine, in its region, and to an app of its own only', async () => {
      const app = await newApp(api);
      const volume = await newVolume(api, app);
      await newMachine(api, app, { volume: volume.id });
      expect((await create(app, { volume: volume.id })).status).toBe(412);
      const other = await newApp(api);
      expect(await create(other, { volume: volume.id })).toMatchObject({
        status: 412,
        body: { error: `failed_precondition: volume ${volume.id} not found` },
      });
      const elsewhere = await newVolume(api, app, 'lhr');
      expect((await create(app, { volume: elsewhere.id })).status).toBe(412);
    });

    it.each([
      ['a name with a dash', { name: 'a-b', region: 'iad' }],
      ['no region', { name: 'data' }],
      ['a size of nothing', { name: 'data', region: 'iad', size_gb: 0 }],
    ])('refuses %s', async (_, body) => {
      expect((await api.call('POST', `/v1/apps/${await newApp(api)}/volumes`, { body })).status).toBe(400);
    });
  });

  describe('machines', () => {
    it('creates a machine that is not launched, and it is found stopped', async () => {
      const app = await newApp(api);
      const machine = await newMachine(api, app, { name: `${app}-iad` });
      expect(machine).toMatchObject({
        id: textLike(/^[0-9a-f]{14}$/),
        name: `${app}-iad`,
        state: 'created',
        region: 'iad',
        instance_id: textLike(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      });
      expect(machine.version).toBe(machine.instance_id);
      await waitFor(api, app, machine.id, 'stopped');
    });

    it('launches one by default', async () => {
      const app = await newApp(api);
      const machine = await newMachine(api, app, { launch: true });
      expect(machine.state).toBe('created');
      await waitFor(api, app, machine.id, 'started');
    });

    it('answers a second machine of one name with 409 and the id of the first', async () => {
      const app = await newApp(api);
      const machine = await newMachine(api, app, { name: 'one' });
      expect(await create(app, { name: 'one' })).toMatchObject({
        status: 409,
        body: {
          error: `already_exists: unique machine name violation, machine ID ${machine.id} already exists with name one`,
        },
      });
      await api.call('DELETE', `/v1/apps/${app}/machines/${machine.id}?force=true`);
      expect((await create(app, { name: 'one' })).status).toBe(200);
    });

    it('starts and stops, and takes a repeat as done', async () => {
      const app = await newApp(api);
      const { id } = await newMachine(api, app);
      const path = `/v1/apps/${app}/machines/${id}`;
      expect(await api.call('POST', `${path}/start`)).toMatchObject({
        status: 200,
        body: { previous_state: 'stopped' },
      });
      await waitFor(api, app, id, 'started');
      await untilWritten(api, app, id, 'listening');
      expect((await api.call('POST', `${path}/start`)).status).toBe(200);
      expect((await api.call('POST', `${path}/stop`, { body: { signal: 'SIGTERM', timeout: '5s' } })).status).toBe(200);
      expect((await api.call('POST', `${path}/stop`)).status).toBe(200);
      await waitFor(api, app, id, 'stopped');
      expect((await api.call('POST', `${path}/stop`)).status).toBe(200);
      const [last] = (await getMachine(api, app, id)).events;
      expect(last).toMatchObject({
        type: 'exit',
        status: 'stopped',
        request: { exit_event: { exit_code: 0, requested_stop: true, oom_killed: false } },
      });
    });

    it('kills a machine that does not stop in time, and refuses to start it before', async () => {
      const app = await newApp(api);
      const { id } = await newMachine(api, app, { image: 'stubborn' });
      await start(api, app, id, 'child');
      await api.call('POST', `/v1/apps/${app}/machines/${id}/stop`, { body: { signal: 'SIGTERM', timeout: '300ms' } });
      expect(await api.call('POST', `/v1/apps/${app}/machines/${id}/start`)).toMatchObject({
        status: 412,
        body: { error: "failed_precondition: unable to start machine from current state: 'stopping'" },
      });
      await waitFor(api, app, id, 'stopped');
    });

    it('becomes stopped when its process ends by itself, with the exit code', async () => {
      const app = await newApp(api);
      const { id } = await newMachine(api, app, { image: 'crash', launch: true });
      await waitFor(api, app, id, 'stopped');
      expect((await getMachine(api, app, id)).events[0]).toMatchObject({
        type: 'exit',
        request: { exit_event: { exit_code: 3, requested_stop: false } },
      });
    });

    it('replaces the configuration under the version that was seen', async () => {
      const app = await newApp(api);
      const { id, version } = await newMachine(api, app, { env: { A: '1', B: '2' } });
      const { config } = machineRequest({ env: { A: '3' } });
      const updated = await update(app, id, { config, current_version: version });
      expect(updated.status).toBe(200);
      const machine = updated.body as MachineBody;
      expect(machine.config.env).toEqual({ A: '3' });
      expect(machine.version).not.toBe(version);
      expect((await getMachine(api, app, id)).state).toBe('stopped');
      expect(await update(app, id, { config, current_version: version })).toMatchObject({ status: 412 });
      expect((await getMachine(api, app, id)).version).toBe(machine.version);
    });

    it('restarts a running machine that is updated, and says so to whoever starts it meanwhile', async () => {
      const app = await newApp(api);
      const { id } = await newMachine(api, app, { image: 'stubborn' });
      await start(api, app, id, 'child');
      const { config } = machineRequest({ image: 'stubborn', env: { A: '3' } });
      await update(app, id, { config: { ...config, stop_config: { timeout: '2s', signal: 'SIGTERM' } } });
      expect(await api.call('POST', `/v1/apps/${app}/machines/${id}/start`)).toMatchObject({
        status: 412,
        body: { error: 'failed_precondition: machine getting replaced, refusing to start' },
      });
      await waitFor(api, app, id, 'started');
      expect((await getMachine(api, app, id)).config.env).toEqual({ A: '3' });
    });

    it('destroys a running machine only with force, and then knows it no more', async () => {
      const app = await newApp(api);
      const { id } = await newMachine(api, app);
      await start(api, app, id);
      const path = `/v1/apps/${app}/machines/${id}`;
      expect((await api.call('DELETE', path)).status).toBe(412);
      expect(await api.call('DELETE', `${path}?force=true`)).toMatchObject({ status: 200, body: { ok: true } });
      expect((await api.call('GET', path)).status).toBe(404);
      expect((await api.call('POST', `${path}/start`)).status).toBe(404);
      expect((await api.call('DELETE', `${path}?force=true`)).status).toBe(404);
    });

    it('lists by region, state and metadata, and destroyed ones when asked', async () => {
      const app = await newApp(api);
      const kept = await newMachine(api, app, { metadata: { tenant_id: 'a' } });
      const gone = await newMachine(api, app, { metadata: { tenant_id: 'b' } });
      await api.call('DELETE', `/v1/apps/${app}/machines/${gone.id}?force=true`);
      const ids = async (query: string) =>
        ((await api.call('GET', `/v1/apps/${app}/machines?${query}`)).body as MachineBody[]).map(({ id }) => id);
      expect(await ids('')).toEqual([kept.id]);
      expect(await ids('include_deleted=true')).toEqual([kept.id, gone.id]);
      expect(await ids('region=iad&state=stopped,failed')).toEqual([kept.id]);
      expect(await ids('state=started')).toEqual([]);
      expect(await ids('region=lhr')).toEqual([]);
      expect(await ids('metadata.tenant_id=a')).toEqual([kept.id]);
      expect(await ids('metadata.tenant_id=c')).toEqual([]);
    });

    it.each([
      ['no configuration', {}],
      ['no image', { config: {} }],
      ['an image that nobody registered', { config: { image: 'nowhere' } }],
      ['an image outside the registered ones', { config: { image: '../support' } }],
      ['an environment that is no map of texts', { config: { image: 'echo', env: { A: 1 } } }],
      [
        'two volumes',
        {
          config: {
            image: 'echo',
            mounts: [
              { volume: 'a', path: '/a' },
              { volume: 'b', path: '/b' },
            ],
          },
        },
      ],
    ])('refuses %s', async (_, body) => {
      const answer = await api.call('POST', `/v1/apps/${await newApp(api)}/machines`, { body });
      expect(answer).toMatchObject({ status: 400, body: { error: aText } });
    });

    it('answers 404 for an app, machine or volume that is not there', async () => {
      const app = await newApp(api);
      const none = newAppName();
      for (const path of [`${none}`, `${none}/machines`, `${app}/machines/11112222333344`, `${app}/volumes/vol_x`]) {
        expect(await api.call('GET', `/v1/apps/${path}`)).toMatchObject({ status: 404 });
      }
      expect((await create(none)).status).toBe(404);
    });

    it('never shows a machine of one app under another', async () => {
      const { id } = await newMachine(api, await newApp(api));
      const other = await newApp(api);
      expect((await api.call('GET', `/v1/apps/${other}/machines/${id}`)).status).toBe(404);
      expect((await api.call('POST', `/v1/apps/${other}/machines/${id}/start`)).status).toBe(404);
    });
  });

  describe('wait', () => {
    it('answers 408 in words after the time', async () => {
      const app = await newApp(api);
      const { id } = await newMachine(api, app);
      await waitFor(api, app, id, 'stopped');
      const startedAt = performance.now();
      const answer = await wait(app, id, 'state=started&timeout=1');
      expect(answer).toMatchObject({
        status: 408,
        body: {
          error: 'deadline_exceeded: machine failed to reach desired state, started, currently stopped',
        },
      });
      expect(performance.now() - startedAt).toBeGreaterThan(950);
    });

    it('ends when the state is reached', async () => {
      const app = await newApp(api);
      const { id, version } = await newMachine(api, app);
      const waiting = wait(app, id, `state=started&timeout=20&version=${version}`);
      await api.call('POST', `/v1/apps/${app}/machines/${id}/start`);
      expect(await waiting).toMatchObject({ status: 200, body: { ok: true, state: 'started', version } });
    });

    it.each(['0', '61', '0.5', '-1', 'x'])('refuses a time of %s', async (timeout) => {
      const app = await newApp(api);
      const { id } = await newMachine(api, app);
      expect(await wait(app, id, `state=started&timeout=${timeout}`)).toMatchObject({
        status: 400,
        body: {
          error: 'invalid_argument: invalid WaitMachineRequest.Timeout: value must be inside range [1s, 1m0s]',
        },
      });
    });

    it('ends with 404 for a version that the machine does not have', async () => {
      const app = await newApp(api);
      const { id } = await newMachine(api, app);
      expect((await wait(app, id, 'state=stopped&version=01ARZ3NDEKTSV4RRFFQ69G5FAV&timeout=1')).status).toBe(404);
    });
  });

  it('keeps metadata without a new version', async () => {
    const app = await newApp(api);
    const { id, version } = await newMachine(api, app, { metadata: { a: '1' } });
    const path = `/v1/apps/${app}/machines/${id}/metadata`;
    expect((await api.call('POST', `${path}/b`, { body: { value: '2' } })).status).toBe(204);
    expect((await api.call('GET', path)).body).toEqual({ a: '1', b: '2' });
    expect((await api.call('DELETE', `${path}/a`)).status).toBe(204);
    const patch = { metadata: { c: '3' }, machine_version: version };
    expect((await api.call('PATCH', path, { body: patch })).status).toBe(204);
    expect((await api.call('PATCH', path, { body: { ...patch, machine_version: 'old' } })).status).toBe(412);
    expect(await getMachine(api, app, id)).toMatchObject({ version, config: { metadata: { b: '2', c: '3' } } });
  });
});
