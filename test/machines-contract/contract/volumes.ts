import { newApp, newVolume, type VolumeBody } from '../support/fixtures';
import { textLike } from '../support/matchers';
import type { Promises } from './contract';

export function volumes(promise: Promises): void {
  const made: Partial<VolumeBody> = { state: 'created', region: 'lhr', size_gb: 1, attached_machine_id: null };

  promise('creates a volume, with an id', async ({ api }) => {
    expect(await newVolume(api, await newApp(api), 'lhr')).toMatchObject({ ...made, id: textLike(/^vol_\w+$/) });
  });

  promise('shows, lists and deletes a volume', async ({ api }) => {
    const app = await newApp(api);
    const { id } = await newVolume(api, app, 'lhr');
    expect(await api.call('GET', `/v1/apps/${app}/volumes/${id}`)).toMatchObject({ status: 200, body: made });
    expect((await api.call('GET', `/v1/apps/${app}/volumes`)).body).toHaveLength(1);
    expect((await api.call('DELETE', `/v1/apps/${app}/volumes/${id}`)).status).toBe(200);
    const left = (await api.call('GET', `/v1/apps/${app}/volumes`)).body as VolumeBody[];
    expect(left.filter(({ state }) => state === 'created')).toEqual([]);
  });

  promise('refuses to delete a bound volume until its machine is destroyed', async (subject) => {
    const { api } = subject;
    const app = await newApp(api);
    const volume = await newVolume(api, app);
    const machine = await subject.newStopped(app, { volume: volume.id });
    const path = `/v1/apps/${app}/volumes/${volume.id}`;
    expect((await api.call('GET', path)).body).toMatchObject({ attached_machine_id: machine.id });
    expect(await api.call('DELETE', path)).toMatchObject({
      status: 412,
      body: { error: `failed_precondition: volume is currently bound to machine: ${machine.id}` },
    });
    await api.call('DELETE', `/v1/apps/${app}/machines/${machine.id}?force=true`);
    expect((await api.call('DELETE', path)).status).toBe(200);
  });

  promise('gives a volume to one machine, in its region, and to an app of its own only', async (subject) => {
    const { api } = subject;
    const app = await newApp(api);
    const volume = await newVolume(api, app);
    await subject.newStopped(app, { volume: volume.id });
    expect((await subject.create(app, { volume: volume.id })).status).toBe(412);
    const other = await newApp(api);
    expect(await subject.create(other, { volume: volume.id })).toMatchObject({
      status: 412,
      body: { error: `failed_precondition: volume ${volume.id} not found` },
    });
    const elsewhere = await newVolume(api, app, 'lhr');
    expect((await subject.create(app, { volume: elsewhere.id })).status).toBe(412);
  });

  promise('refuses a volume without a region', async ({ api, dialect }) => {
    const path = `/v1/apps/${await newApp(api)}/volumes`;
    expect(await api.call('POST', path, { body: { name: 'data' } })).toMatchObject(dialect.refusedBody);
  });

  promise('refuses a volume with a dash in its name', async ({ api }) => {
    const path = `/v1/apps/${await newApp(api)}/volumes`;
    expect((await api.call('POST', path, { body: { name: 'a-b', region: 'iad' } })).status).toBe(400);
  });

  promise('refuses a volume of no size', async ({ api }) => {
    const path = `/v1/apps/${await newApp(api)}/volumes`;
    expect((await api.call('POST', path, { body: { name: 'data', region: 'iad', size_gb: 0 } })).status).toBe(400);
  });
}
