import { setTimeout as sleep } from 'node:timers/promises';
import type { Check, Differences } from '../machines-contract/contract/contract';
import { newAppName } from '../machines-contract/support/api';
import { getMachine, newApp, newMachine, newVolume, type MachineBody } from '../machines-contract/support/fixtures';
import { textLike } from '../machines-contract/support/matchers';
import { until } from '../support/until';
import { containerOfMachine, processOf, startedAt } from './support/docker';

const NOT_CHECKED = 'names, networks and sizes are not checked';
const NO_VOLUMES = 'volumes are not stored, and nothing is checked about one';
const NO_WAIT = 'wait answers at once with whatever the state is';

/**
 * Where Minifly 0.1.2 is not what Fly is: what of the machines contract it does not keep, why, and what it does instead, to which it is held.
 * A failure here says that Minifly has changed: then `minifly-platform.ts`, which makes up for each, may have less to make up for.
 */
export const KNOWN_DIFFERENCES: Differences = {
  'keeps the network of an app, lists it, and says when it was made': {
    because: 'the network is dropped, there is no list of apps, and times are texts',
    instead: async ({ api }) => {
      const name = newAppName();
      const made = await api.call('POST', '/v1/apps', {
        body: { app_name: name, org_slug: name, network: 'tenant-x' },
      });
      expect(made).toMatchObject({ status: 200, body: { name, created_at: textLike(/^\d{4}-\d\d-\d\dT/) } });
      expect(made.headers['fly-request-id']).toBeUndefined();
      expect((await api.call('GET', `/v1/apps/${name}`)).body).not.toHaveProperty('network');
      expect(await api.call('GET', `/v1/apps?org_slug=${name}`)).toMatchObject({ status: 405, body: '' });
    },
  },
  'answers 422 name_taken for a name that exists': {
    because: 'a second app of a name overwrites the first',
    instead: async ({ api }) => {
      const app = await newApp(api);
      const { id } = (await api.call('GET', `/v1/apps/${app}`)).body as { id: string };
      const again = await api.call('POST', '/v1/apps', { body: { app_name: app, org_slug: 'another' } });
      expect(again).toMatchObject({ status: 200, body: { organization: { slug: 'another' } } });
      const now = (await api.call('GET', `/v1/apps/${app}`)).body;
      expect(now).toMatchObject({ organization: { slug: 'another' } });
      expect(now).not.toMatchObject({ id });
    },
  },
  'refuses an app with a capital in its name': {
    because: NOT_CHECKED,
    instead: async ({ api }) => {
      const answer = await api.call('POST', '/v1/apps', { body: { app_name: 'Aa', org_slug: 'o' } });
      expect(answer).toMatchObject({ status: 200, body: { name: 'Aa' } });
    },
  },
  'refuses a network that begins with a digit': {
    because: NOT_CHECKED,
    instead: async ({ api }) => {
      const body = { app_name: newAppName(), org_slug: 'o', network: '1x' };
      expect((await api.call('POST', '/v1/apps', { body })).status).toBe(200);
    },
  },
  'deletes machines and volumes with their app, running ones only with force': {
    because: 'an app goes alone and at once, and leaves its machines running',
    instead: async (subject) => {
      const app = await newApp(subject.api);
      const { id } = await subject.newRunning(app);
      expect(await subject.api.call('DELETE', `/v1/apps/${app}`)).toMatchObject({ status: 200, body: { ok: true } });
      expect(await getMachine(subject.api, app, id)).toMatchObject({ id, state: 'started' });
      expect((await processOf(id)).isRunning).toBe(true);
    },
  },
  'shows, lists and deletes a volume': {
    because: NO_VOLUMES,
    instead: async ({ api }) => {
      const app = await newApp(api);
      const { id } = await newVolume(api, app, 'lhr');
      expect((await api.call('GET', `/v1/apps/${app}/volumes/${id}`)).status).toBe(404);
      expect(await api.call('GET', `/v1/apps/${app}/volumes`)).toMatchObject({ status: 200, body: [] });
      for (const volume of [id, 'vol_of_nobody']) {
        expect((await api.call('DELETE', `/v1/apps/${app}/volumes/${volume}`)).status).toBe(200);
      }
    },
  },
  'refuses to delete a bound volume until its machine is destroyed': {
    because: NO_VOLUMES,
    instead: async (subject) => {
      const app = await newApp(subject.api);
      const volume = await newVolume(subject.api, app);
      const machine = await subject.newRunning(app, { volume: volume.id });
      expect((await subject.api.call('DELETE', `/v1/apps/${app}/volumes/${volume.id}`)).status).toBe(200);
      expect((await processOf(machine.id)).isRunning).toBe(true);
    },
  },
  'gives a volume to one machine, in its region, and to an app of its own only': {
    because: NO_VOLUMES,
    instead: async (subject) => {
      const app = await newApp(subject.api);
      const elsewhere = await newVolume(subject.api, app, 'lhr');
      const wish = { volume: elsewhere.id, launch: true };
      expect((await subject.create(app, wish)).status).toBe(200);
      expect((await subject.create(app, wish)).status).toBe(200);
      expect((await subject.create(await newApp(subject.api), wish)).status).toBe(200);
      expect((await subject.create(app, { volume: 'vol_of_nobody', launch: true })).status).toBe(200);
    },
  },
  'refuses a volume with a dash in its name': {
    because: NOT_CHECKED,
    instead: async ({ api }) => {
      const path = `/v1/apps/${await newApp(api)}/volumes`;
      const answer = await api.call('POST', path, { body: { name: 'a-b', region: 'iad' } });
      expect(answer).toMatchObject({ status: 200, body: { name: 'a-b', size_gb: 1 } });
    },
  },
  'refuses a volume of no size': {
    because: NOT_CHECKED,
    instead: async ({ api }) => {
      const path = `/v1/apps/${await newApp(api)}/volumes`;
      const answer = await api.call('POST', path, { body: { name: 'data', region: 'iad', size_gb: 0 } });
      expect(answer).toMatchObject({ status: 200, body: { size_gb: 0 } });
    },
  },
  'answers a second machine of one name with 409 and the id of the first': {
    because: 'a name may be given twice',
    instead: async (subject) => {
      const app = await newApp(subject.api);
      const first = await subject.newStopped(app, { name: `${app}-one` });
      const second = await subject.newStopped(app, { name: `${app}-one` });
      expect(second.id).not.toBe(first.id);
      const listed = (await subject.api.call('GET', `/v1/apps/${app}/machines`)).body as MachineBody[];
      expect(listed.map(({ id }) => id).sort()).toEqual([first.id, second.id].sort());
    },
  },
  'has a version, which an update is made under and gives anew': {
    because:
      'there are no versions: an update is made whatever one is named, and changes what is shown and not the container',
    instead: async (subject) => {
      const app = await newApp(subject.api);
      const { id, instance_id: instance, ...machine } = await subject.newRunning(app);
      expect(machine.version).toBeUndefined();
      const before = await startedAt(await containerOfMachine(id));
      const { config } = subject.request({ env: { A: '3' } });
      const updated = await subject.update(app, id, { config, current_version: 'of nobody' });
      expect(updated).toMatchObject({ status: 200, body: { instance_id: instance, state: 'started' } });
      expect((await getMachine(subject.api, app, id)).config.env).toEqual({ A: '3' });
      expect(await startedAt(await containerOfMachine(id))).toBe(before);
    },
  },
  'lists machines by state and metadata, and destroyed ones when asked': {
    because:
      'state and metadata are ignored, and destroyed ones forgotten; names count, with those of apps that begin alike',
    instead: async (subject) => {
      const { api } = subject;
      const app = await newApp(api);
      const kept = await subject.newStopped(app, { metadata: { tenant_id: 'a' } });
      const gone = await subject.newStopped(app);
      await api.call('DELETE', `/v1/apps/${app}/machines/${gone.id}?force=true`);
      const ids = async (of: string, query = '') =>
        ((await api.call('GET', `/v1/apps/${of}/machines?${query}`)).body as MachineBody[]).map(({ id }) => id);
      for (const query of ['include_deleted=true', 'state=started', 'metadata.tenant_id=c']) {
        expect([query, await ids(app, query)]).toEqual([query, [kept.id]]);
      }
      const named = await subject.newStopped(app, { name: 'another-name' });
      expect(await ids(app)).toEqual([kept.id]);
      expect(await ids('another')).toContain(named.id);
    },
  },
  'refuses two volumes': {
    because: NO_VOLUMES,
    instead: async (subject) => {
      const mounts = ['vol_a', 'vol_b'].map((volume) => ({ volume, path: `/${volume}` }));
      const body = { config: { ...subject.request().config, mounts } };
      const answer = await subject.api.call('POST', `/v1/apps/${await newApp(subject.api)}/machines`, { body });
      expect(answer.status).toBe(200);
    },
  },
  'has no machines of an app that is not there': {
    because: 'nobody asks for the app: its machines are an empty list, and one can be made',
    instead: async (subject) => {
      const none = newAppName();
      expect(await subject.api.call('GET', `/v1/apps/${none}/machines`)).toMatchObject({ status: 200, body: [] });
      expect((await subject.create(none, { launch: true })).status).toBe(200);
      expect((await subject.api.call('GET', `/v1/apps/${none}`)).status).toBe(404);
    },
  },
  'never shows a machine of one app under another': {
    because: 'a machine is found under any app; only its container is looked for by the app’s name',
    instead: async (subject) => {
      const { api } = subject;
      const { id } = await subject.newStopped(await newApp(api));
      const path = `/v1/apps/${await newApp(api)}/machines/${id}`;
      expect(await api.call('GET', path)).toMatchObject({ status: 200, body: { id } });
      expect(await api.call('POST', `${path}/start`)).toMatchObject(DOCKER_REFUSED);
    },
  },
  'keeps metadata without a new version': {
    because: 'metadata is not kept, and has no PATCH',
    instead: async (subject) => {
      const { api } = subject;
      const app = await newApp(api);
      const { id, config } = await subject.newStopped(app, { metadata: { a: '1' } });
      expect(config.metadata).toBeUndefined();
      const path = `/v1/apps/${app}/machines/${id}/metadata`;
      expect(await api.call('POST', `${path}/b`, { body: { value: '2' } })).toMatchObject({ status: 200 });
      expect(await api.call('GET', path)).toMatchObject({ status: 200, body: {} });
      expect((await api.call('GET', path)).body).toEqual({});
      expect((await api.call('PATCH', path, { body: { metadata: { c: '3' } } })).status).toBe(405);
    },
  },
  'leaves a machine alone that is not to be launched, until it is told to start': {
    because: 'skip_launch makes no container, and it stays created: a start is refused',
    instead: async (subject) => {
      const app = await newApp(subject.api);
      const machine = await newMachine(subject.api, app, { image: subject.dialect.image('echo') });
      expect(machine.state).toBe('created');
      const start = await subject.api.call('POST', `/v1/apps/${app}/machines/${machine.id}/start`);
      expect(start).toMatchObject(DOCKER_REFUSED);
      expect((await getMachine(subject.api, app, machine.id)).state).toBe('created');
    },
  },
  'launches a machine by default, and says so': {
    because: 'a launched machine, which runs when it is answered, is starting until it is started once more',
    instead: async (subject) => {
      const app = await newApp(subject.api);
      const { id, state } = (await subject.create(app, { launch: true })).body as MachineBody;
      expect(state).toBe('starting');
      expect((await processOf(id)).isRunning).toBe(true);
      expect((await getMachine(subject.api, app, id)).state).toBe('starting');
      const start = await subject.api.call('POST', `/v1/apps/${app}/machines/${id}/start`);
      expect(start).toMatchObject({ status: 200, body: { previous_state: 'starting' } });
      expect((await getMachine(subject.api, app, id)).state).toBe('started');
    },
  },
  'says of a machine that was stopped how it ended': {
    because: 'its events are what was asked of it, the oldest first',
    instead: async (subject) => {
      const app = await newApp(subject.api);
      const { id } = await subject.newRunning(app);
      await subject.api.call('POST', `/v1/apps/${app}/machines/${id}/stop`, { body: { timeout: '5' } });
      const { events } = await getMachine(subject.api, app, id);
      expect(events.map(({ type }) => type)).toEqual(['launch', 'stop', 'start', 'stop']);
      expect(events.at(-1)).not.toHaveProperty('request');
    },
  },
  'refuses to start a machine that is being stopped': {
    because: 'a stop is answered when the container has ended, and a start meanwhile as one of a machine that runs',
    instead: async (subject) => {
      const app = await newApp(subject.api);
      const { id } = await subject.newRunning(app, { image: 'stubborn' }, 'child');
      const path = `/v1/apps/${app}/machines/${id}`;
      const begun = performance.now();
      const stopping = subject.api.call('POST', `${path}/stop`, { body: { timeout: '2' } });
      await sleep(500);
      expect((await subject.api.call('POST', `${path}/start`)).status).toBe(200);
      expect((await stopping).status).toBe(200);
      expect(performance.now() - begun).toBeGreaterThan(1900);
      expect((await processOf(id)).isRunning).toBe(false);
    },
  },
  'notices that a process has ended by itself, with the exit code': {
    because: 'it is not noticed: the machine keeps the state that was last asked of it',
    instead: async (subject) => {
      const app = await newApp(subject.api);
      const { id } = (await subject.create(app, { image: 'crash', launch: true })).body as MachineBody;
      await until(async () => !(await processOf(id)).isRunning, { what: 'the process to end' });
      expect((await processOf(id)).exitCode).toBe(3);
      expect((await getMachine(subject.api, app, id)).state).toBe('starting');
      await subject.api.call('POST', `/v1/apps/${app}/machines/${id}/start`);
      await until(async () => !(await processOf(id)).isRunning, { what: 'the process to end again' });
      expect((await getMachine(subject.api, app, id)).state).toBe('started');
    },
  },
  'restarts a running machine that is updated, and says so to whoever starts it meanwhile': {
    because: 'an update changes what is shown and not the container',
    instead: async (subject) => {
      const app = await newApp(subject.api);
      const { id } = await subject.newRunning(app);
      const before = await startedAt(await containerOfMachine(id));
      const { config } = subject.request({ env: { A: '3' } });
      expect((await subject.update(app, id, { config })).status).toBe(200);
      expect((await subject.api.call('POST', `/v1/apps/${app}/machines/${id}/start`)).status).toBe(200);
      expect(await startedAt(await containerOfMachine(id))).toBe(before);
    },
  },
  'destroys a running machine only with force': {
    because: 'one that is started goes without; one that is starting or stopped is forgotten, and its container stays',
    instead: async (subject) => {
      const { api } = subject;
      const app = await newApp(api);
      const started = await subject.newRunning(app);
      expect((await api.call('DELETE', `/v1/apps/${app}/machines/${started.id}`)).status).toBe(200);
      await expect(containerOfMachine(started.id)).rejects.toThrow('No container');
      const starting = (await subject.create(app, { launch: true })).body as MachineBody;
      expect((await api.call('DELETE', `/v1/apps/${app}/machines/${starting.id}`)).status).toBe(200);
      expect((await api.call('GET', `/v1/apps/${app}/machines/${starting.id}`)).status).toBe(404);
      expect((await processOf(starting.id)).isRunning).toBe(true);
    },
  },
  'answers 408 in words after the time': { because: NO_WAIT, instead: answersAtOnce('state=started&timeout=5') },
  'ends when the state is reached': { because: NO_WAIT, instead: answersAtOnce('state=started&timeout=20') },
  'refuses a time of 0': { because: NO_WAIT, instead: answersAtOnce('state=started&timeout=0') },
  'refuses a time of 61': { because: NO_WAIT, instead: answersAtOnce('state=started&timeout=61') },
  'ends with 404 for a version that the machine does not have': {
    because: NO_WAIT,
    instead: answersAtOnce('state=stopped&version=01ARZ3NDEKTSV4RRFFQ69G5FAV&timeout=5'),
  },
};

const DOCKER_REFUSED = { status: 500, body: { error: textLike(/^Docker error: /) } };

/** Of a machine that is stopped. */
function answersAtOnce(query: string): Check {
  return async (subject) => {
    const app = await newApp(subject.api);
    const { id, instance_id } = await subject.newStopped(app);
    const begun = performance.now();
    const answer = await subject.wait(app, id, query);
    expect(answer).toMatchObject({ status: 200, body: { ok: true, state: 'stopped', instance_id } });
    expect(performance.now() - begun).toBeLessThan(900);
  };
}
