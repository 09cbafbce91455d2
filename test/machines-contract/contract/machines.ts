import { newAppName } from '../support/api';
import { getMachine, newApp, type MachineBody } from '../support/fixtures';
import type { Promises } from './contract';

export function machines(promise: Promises): void {
  promise('creates a machine, with an id, a name and a region', async (subject) => {
    const app = await newApp(subject.api);
    const machine = await subject.newStopped(app, { name: `${app}-iad` });
    const { machineId: id, instanceId: instance_id } = subject.dialect;
    expect(machine).toMatchObject({ id, instance_id, name: `${app}-iad`, region: 'iad' });
    expect(await getMachine(subject.api, app, machine.id)).toMatchObject({ id: machine.id, name: `${app}-iad` });
  });

  promise('answers a second machine of one name with 409 and the id of the first', async (subject) => {
    const { api } = subject;
    const app = await newApp(api);
    const machine = await subject.newStopped(app, { name: 'one' });
    expect(await subject.create(app, { name: 'one' })).toMatchObject({
      status: 409,
      body: {
        error: `already_exists: unique machine name violation, machine ID ${machine.id} already exists with name one`,
      },
    });
    await api.call('DELETE', `/v1/apps/${app}/machines/${machine.id}?force=true`);
    expect((await subject.create(app, { name: 'one' })).status).toBe(200);
  });

  promise('replaces the configuration whole, and leaves a stopped machine stopped', async (subject) => {
    const app = await newApp(subject.api);
    const { id } = await subject.newStopped(app, { env: { A: '1', B: '2' } });
    const { config } = subject.request({ env: { A: '3' } });
    const updated = await subject.update(app, id, { config });
    expect(updated).toMatchObject({ status: 200, body: { id } });
    expect((updated.body as MachineBody).config.env).toEqual({ A: '3' });
    const machine = await getMachine(subject.api, app, id);
    expect([machine.state, machine.config.env]).toEqual(['stopped', { A: '3' }]);
  });

  promise('has a version, which an update is made under and gives anew', async (subject) => {
    const app = await newApp(subject.api);
    const { id, version, instance_id: instance } = await subject.newStopped(app);
    expect(version).toBe(instance);
    const { config } = subject.request({ env: { A: '3' } });
    const updated = await subject.update(app, id, { config, current_version: version });
    const machine = updated.body as MachineBody;
    expect([updated.status, machine.version === version]).toEqual([200, false]);
    expect(await subject.update(app, id, { config, current_version: version })).toMatchObject({ status: 412 });
    expect((await getMachine(subject.api, app, id)).version).toBe(machine.version);
  });

  promise('lists the machines of an app, by region', async (subject) => {
    const { api } = subject;
    const app = await newApp(api);
    const kept = await subject.newStopped(app);
    const gone = await subject.newStopped(app);
    await api.call('DELETE', `/v1/apps/${app}/machines/${gone.id}?force=true`);
    const ids = async (query: string) =>
      ((await api.call('GET', `/v1/apps/${app}/machines?${query}`)).body as MachineBody[]).map(({ id }) => id);
    expect(await ids('')).toEqual([kept.id]);
    expect(await ids('region=iad')).toEqual([kept.id]);
    expect(await ids('region=lhr')).toEqual([]);
  });

  promise('lists machines by state and metadata, and destroyed ones when asked', async (subject) => {
    const { api } = subject;
    const app = await newApp(api);
    const kept = await subject.newStopped(app, { metadata: { tenant_id: 'a' } });
    const gone = await subject.newStopped(app, { metadata: { tenant_id: 'b' } });
    await api.call('DELETE', `/v1/apps/${app}/machines/${gone.id}?force=true`);
    const ids = async (query: string) =>
      ((await api.call('GET', `/v1/apps/${app}/machines?${query}`)).body as MachineBody[]).map(({ id }) => id);
    expect(await ids('include_deleted=true')).toEqual([kept.id, gone.id]);
    expect(await ids('region=iad&state=stopped,failed')).toEqual([kept.id]);
    expect(await ids('state=started')).toEqual([]);
    expect(await ids('metadata.tenant_id=a')).toEqual([kept.id]);
    expect(await ids('metadata.tenant_id=c')).toEqual([]);
  });

  for (const [what, wrong] of [
    ['no configuration', () => ({})],
    ['no image', () => ({ config: {} })],
    ['an environment that is no map of texts', (config: object) => ({ config: { ...config, env: { A: 1 } } })],
  ] as const) {
    promise(`refuses a machine with ${what}`, async (subject) => {
      const body = wrong(subject.request().config);
      const answer = await subject.api.call('POST', `/v1/apps/${await newApp(subject.api)}/machines`, { body });
      expect(answer).toMatchObject(subject.dialect.refusedBody);
    });
  }

  for (const [what, image] of [
    ['that is not there', 'nowhere-local:latest'],
    ['outside the place for images', '../support'],
  ] as const) {
    promise(`refuses an image ${what}`, async (subject) => {
      const body = { config: { ...subject.request().config, image } };
      const answer = await subject.api.call('POST', `/v1/apps/${await newApp(subject.api)}/machines`, { body });
      expect(answer).toMatchObject(subject.dialect.refusedImage);
    });
  }

  promise('refuses two volumes', async (subject) => {
    const mounts = ['a', 'b'].map((volume) => ({ volume, path: `/${volume}` }));
    const body = { config: { ...subject.request().config, mounts } };
    const answer = await subject.api.call('POST', `/v1/apps/${await newApp(subject.api)}/machines`, { body });
    expect(answer.status).toBe(400);
  });

  promise('answers 404 for an app, machine or volume that is not there', async ({ api }) => {
    const app = await newApp(api);
    for (const path of [newAppName(), `${app}/machines/11112222333344`, `${app}/volumes/vol_x`]) {
      expect(await api.call('GET', `/v1/apps/${path}`)).toMatchObject({ status: 404 });
    }
  });

  promise('has no machines of an app that is not there', async (subject) => {
    const none = newAppName();
    expect((await subject.api.call('GET', `/v1/apps/${none}/machines`)).status).toBe(404);
    expect((await subject.create(none)).status).toBe(404);
  });

  promise('never shows a machine of one app under another', async (subject) => {
    const { api } = subject;
    const { id } = await subject.newStopped(await newApp(api));
    const other = await newApp(api);
    expect((await api.call('GET', `/v1/apps/${other}/machines/${id}`)).status).toBe(404);
    expect((await api.call('POST', `/v1/apps/${other}/machines/${id}/start`)).status).toBe(404);
  });

  promise('keeps metadata without a new version', async (subject) => {
    const { api } = subject;
    const app = await newApp(api);
    const { id, version } = await subject.newStopped(app, { metadata: { a: '1' } });
    const path = `/v1/apps/${app}/machines/${id}/metadata`;
    expect((await api.call('POST', `${path}/b`, { body: { value: '2' } })).status).toBe(204);
    expect((await api.call('GET', path)).body).toEqual({ a: '1', b: '2' });
    expect((await api.call('DELETE', `${path}/a`)).status).toBe(204);
    const patch = { metadata: { c: '3' }, machine_version: version };
    expect((await api.call('PATCH', path, { body: patch })).status).toBe(204);
    expect((await api.call('PATCH', path, { body: { ...patch, machine_version: 'old' } })).status).toBe(412);
    expect(await getMachine(api, app, id)).toMatchObject({ version, config: { metadata: { b: '2', c: '3' } } });
  });
}
