import { newAppName } from '../support/api';
import { newApp, newVolume } from '../support/fixtures';
import { aNumber, aText } from '../support/matchers';
import type { Promises } from './contract';

export function apps(promise: Promises): void {
  promise('creates an app, and shows it with its organisation', async ({ api, dialect }) => {
    const name = newAppName();
    const made = await api.call('POST', '/v1/apps', { body: { app_name: name, org_slug: name } });
    expect(made).toMatchObject({ status: dialect.appCreated, body: { id: aText } });
    const shown = await api.call('GET', `/v1/apps/${name}`);
    expect(shown).toMatchObject({ status: 200, body: { name, organization: { slug: name } } });
  });

  promise('keeps the network of an app, lists it, and says when it was made', async ({ api }) => {
    const name = newAppName();
    const body = { app_name: name, org_slug: name, network: 'tenant-x' };
    const made = await api.call('POST', '/v1/apps', { body });
    expect(made).toMatchObject({ body: { created_at: aNumber } });
    expect(made.headers['fly-request-id']).toEqual(aText);
    expect(await api.call('GET', `/v1/apps/${name}`)).toMatchObject({ body: { network: 'tenant-x' } });
    const listed = await api.call('GET', `/v1/apps?org_slug=${name}`);
    expect(listed).toMatchObject({ status: 200, body: { total_apps: 1, apps: [{ name }] } });
  });

  promise('answers 422 name_taken for a name that exists', async ({ api }) => {
    const app = await newApp(api);
    const again = await api.call('POST', '/v1/apps', { body: { app_name: app, org_slug: 'another' } });
    expect(again.status).toBe(422);
    expect(again.body).toEqual({ error: 'Validation failed: Name has already been taken', status: 'name_taken' });
  });

  promise('refuses an app without an organisation', async ({ api, dialect }) => {
    const answer = await api.call('POST', '/v1/apps', { body: { app_name: newAppName() } });
    expect(answer).toMatchObject(dialect.refusedBody);
  });

  promise('refuses an app with a capital in its name', async ({ api }) => {
    const answer = await api.call('POST', '/v1/apps', { body: { app_name: 'Aa', org_slug: 'o' } });
    expect(answer).toMatchObject({ status: 422, body: { error: aText } });
  });

  promise('refuses a network that begins with a digit', async ({ api }) => {
    const body = { app_name: newAppName(), org_slug: 'o', network: '1x' };
    expect(await api.call('POST', '/v1/apps', { body })).toMatchObject({ status: 400, body: { error: aText } });
  });

  promise('deletes an app, and then knows it no more', async ({ api, dialect }) => {
    const app = await newApp(api);
    expect((await api.call('DELETE', `/v1/apps/${app}`)).status).toBe(dialect.appDeleted);
    expect((await api.call('GET', `/v1/apps/${app}`)).status).toBe(404);
    expect((await api.call('DELETE', `/v1/apps/${app}`)).status).toBe(404);
  });

  promise('deletes machines and volumes with their app, running ones only with force', async (subject) => {
    const { api } = subject;
    const app = await newApp(api);
    const volume = await newVolume(api, app);
    const { id } = await subject.newRunning(app, { volume: volume.id });
    expect((await api.call('DELETE', `/v1/apps/${app}`)).status).toBe(412);
    expect((await api.call('DELETE', `/v1/apps/${app}?force=true`)).status).toBe(202);
    expect((await api.call('GET', `/v1/apps/${app}`)).status).toBe(404);
    expect((await api.call('GET', `/v1/apps/${app}/machines/${id}`)).status).toBe(404);
  });
}
