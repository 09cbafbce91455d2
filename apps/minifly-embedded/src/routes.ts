import type { Apps } from './apps';
import { invalid } from './api-error';
import { object, textMap } from './machine-request';
import type { Machines } from './machines';
import type { MachineRecord, VolumeRecord } from './records';
import type { Store } from './store';
import { appView, machineView, volumeView } from './views';
import type { Volumes } from './volumes';
import { parseWait } from './waits';

export interface ApiRequest {
  query: URLSearchParams;
  body: unknown;
  /** Aborted when the client is gone. */
  signal: AbortSignal;
}

export interface ApiResponse {
  status: number;
  /** JSON, or a text as it is; absent for an answer without a body. */
  body?: unknown;
}

export interface Route {
  method: string;
  /** Of the whole path, with one group for each of the handler's names. */
  pattern: RegExp;
  handle: (request: ApiRequest, ...names: string[]) => ApiResponse | Promise<ApiResponse>;
}

export interface Parts {
  apps: Apps;
  machines: Machines;
  volumes: Volumes;
  store: Store;
}

/** Fly's. */
const DEFAULT_EVENTS = 20;
const MOST_EVENTS = 50;
const DEFAULT_LOG_BYTES = 64 * 1024;

/** The Machines API: each endpoint to the verb behind it, with Fly's codes and bodies. */
export function machinesApi(parts: Parts): Route[] {
  return [...appRoutes(parts), ...volumeRoutes(parts), ...machineRoutes(parts), ...metadataRoutes(parts)];
}

function appRoutes({ apps, machines, volumes }: Parts): Route[] {
  const view = (app: ReturnType<Apps['get']>) =>
    appView(app, {
      machines: machines.list(app.name).filter(({ state }) => state !== 'destroyed').length,
      volumes: volumes.list(app.name).length,
    });
  return [
    route('POST', '/v1/apps', ({ body }) => {
      const { id, createdAt } = apps.create(body);
      return { status: 201, body: { id, created_at: createdAt } };
    }),
    route('GET', '/v1/apps', ({ query }) => {
      const found = apps.list(query.get('org_slug'));
      return ok({ total_apps: found.length, apps: found.map(view) });
    }),
    route('GET', '/v1/apps/:', (_, name) => ok(view(apps.get(name)))),
    route('DELETE', '/v1/apps/:', async ({ query }, name) => {
      await apps.delete(name, query.get('force') === 'true');
      return { status: 202 };
    }),
  ];
}

function volumeRoutes({ apps, volumes, store }: Parts): Route[] {
  const view = (volume: VolumeRecord) => volumeView(volume, 'created', store.machineOfVolume(volume.id)?.id ?? null);
  return [
    route('POST', '/v1/apps/:/volumes', async ({ body }, app) =>
      ok(view(await volumes.create(apps.get(app).name, body))),
    ),
    route('GET', '/v1/apps/:/volumes', (_, app) => ok(volumes.list(apps.get(app).name).map(view))),
    route('GET', '/v1/apps/:/volumes/:', (_, app, id) => ok(view(volumes.get(apps.get(app).name, id)))),
    route('PUT', '/v1/apps/:/volumes/:/extend', ({ body }, app, id) => {
      // A directory has room at once: nothing has to be restarted to see it.
      return ok({ volume: view(volumes.extend(apps.get(app).name, id, body)), needs_restart: false });
    }),
    route('DELETE', '/v1/apps/:/volumes/:', (_, app, id) =>
      ok(volumeView(volumes.delete(apps.get(app).name, id), 'pending_destroy', null)),
    ),
  ];
}

function machineRoutes({ apps, machines }: Parts): Route[] {
  return [
    route('POST', '/v1/apps/:/machines', ({ body }, app) => ok(machineView(machines.create(apps.get(app).name, body)))),
    route('GET', '/v1/apps/:/machines', ({ query }, app) =>
      ok(machines.list(apps.get(app).name).filter(matches(query)).map(machineView)),
    ),
    route('GET', '/v1/apps/:/machines/:', (_, app, id) => ok(machineView(machines.get(apps.get(app).name, id)))),
    route('POST', '/v1/apps/:/machines/:', ({ body }, app, id) =>
      ok(machineView(machines.update(apps.get(app).name, id, body))),
    ),
    route('DELETE', '/v1/apps/:/machines/:', async ({ query }, app, id) => {
      await machines.delete(apps.get(app).name, id, query.get('force') === 'true');
      return ok({ ok: true });
    }),
    route('POST', '/v1/apps/:/machines/:/start', (_, app, id) => {
      const { previous } = machines.start(apps.get(app).name, id);
      return ok({ previous_state: previous.state, migrated: false, new_host: '' });
    }),
    route('POST', '/v1/apps/:/machines/:/stop', ({ body }, app, id) => {
      machines.stop(apps.get(app).name, id, body);
      return ok({ ok: true });
    }),
    route('POST', '/v1/apps/:/machines/:/restart', ({ query }, app, id) => {
      machines.restart(apps.get(app).name, id, { signal: query.get('signal'), timeout: query.get('timeout') });
      return ok({ ok: true });
    }),
    route('POST', '/v1/apps/:/machines/:/suspend', (_, app, id) => {
      machines.suspend(apps.get(app).name, id);
      return ok({ ok: true });
    }),
    route('GET', '/v1/apps/:/machines/:/events', ({ query }, app, id) => {
      const limit = Number(query.get('limit') ?? DEFAULT_EVENTS);
      if (!Number.isInteger(limit) || limit < 1) throw invalid('limit should be a whole number of at least 1');
      return ok(machines.events(apps.get(app).name, id, Math.min(limit, MOST_EVENTS)));
    }),
    route('GET', '/v1/apps/:/machines/:/wait', async ({ query, signal }, app, id) => {
      const { state, version } = await machines.wait(apps.get(app).name, id, parseWait(query), signal);
      return ok({ ok: true, state, version });
    }),
    // Our own: Fly has its logs elsewhere.
    route('GET', '/v1/apps/:/machines/:/logs', ({ query }, app, id) => {
      const bytes = Number(query.get('bytes') ?? DEFAULT_LOG_BYTES);
      if (!Number.isInteger(bytes) || bytes < 1) throw invalid('bytes should be a whole number');
      return ok(machines.log(apps.get(app).name, id, bytes));
    }),
  ];
}

function metadataRoutes({ apps, machines }: Parts): Route[] {
  return [
    route('GET', '/v1/apps/:/machines/:/metadata', (_, app, id) => ok(machines.metadata(apps.get(app).name, id))),
    route('PATCH', '/v1/apps/:/machines/:/metadata', ({ body }, app, id) => {
      const { metadata, machine_version: version } = object(body, 'the body');
      machines.patchMetadata(apps.get(app).name, id, textMap(metadata, 'metadata') ?? {}, version);
      return { status: 204 };
    }),
    route('POST', '/v1/apps/:/machines/:/metadata/:', ({ body }, app, id, key) => {
      const { value } = object(body, 'the body');
      if (typeof value !== 'string') throw invalid('value should be a text');
      machines.patchMetadata(apps.get(app).name, id, { [key]: value });
      return { status: 204 };
    }),
    route('DELETE', '/v1/apps/:/machines/:/metadata/:', (_, app, id, key) => {
      machines.patchMetadata(apps.get(app).name, id, { [key]: null });
      return { status: 204 };
    }),
  ];
}

/** A list's filters. Destroyed machines are shown only when they are asked for. */
function matches(query: URLSearchParams): (machine: MachineRecord) => boolean {
  const states = query.get('state')?.split(',');
  const region = query.get('region');
  const showsDestroyed = query.get('include_deleted') === 'true' || (states?.includes('destroyed') ?? false);
  const metadata = [...query].filter(([key]) => key.startsWith('metadata.'));
  return (machine) =>
    (showsDestroyed || machine.state !== 'destroyed') &&
    (!states || states.includes(machine.state)) &&
    (!region || region === machine.region) &&
    metadata.every(([key, value]) => machine.config.metadata?.[key.slice('metadata.'.length)] === value);
}

function route(
  method: string,
  path: string,
  handle: (request: ApiRequest, a: string, b: string, c: string) => ApiResponse | Promise<ApiResponse>,
): Route {
  const pattern = new RegExp(`^${path.replaceAll(':', '([^/]+)')}$`);
  return { method, pattern, handle: (request, a = '', b = '', c = '') => handle(request, a, b, c) };
}

const ok = (body: unknown): ApiResponse => ({ status: 200, body });
