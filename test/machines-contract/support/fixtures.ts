import { setTimeout as sleep } from 'node:timers/promises';
import { newAppName, type Api } from './api';
import { eventually } from './processes';

export interface MachineBody {
  id: string;
  name: string;
  state: string;
  region: string;
  version: string;
  instance_id: string;
  private_ip: string;
  config: { image: string; env?: Record<string, string>; metadata?: Record<string, string> };
  events: { type: string; status: string; request?: { exit_event: Record<string, unknown> } }[];
}

export interface VolumeBody {
  id: string;
  name: string;
  state: string;
  region: string;
  size_gb: number;
  attached_machine_id: string | null;
}

export async function newApp(api: Api, network?: string): Promise<string> {
  const name = newAppName();
  const { status, body } = await api.call('POST', '/v1/apps', {
    body: { app_name: name, name, org_slug: 'personal', network },
  });
  if (status !== 201 && status !== 200) throw new Error(`No app: ${JSON.stringify(body)}`); // 200: Minifly
  return name;
}

export async function newVolume(api: Api, app: string, region = 'iad'): Promise<VolumeBody> {
  const path = `/v1/apps/${app}/volumes`;
  const { status, body } = await api.call('POST', path, { body: { name: 'data', region, size_gb: 1 } });
  if (status !== 200) throw new Error(`No volume: ${JSON.stringify(body)}`);
  return body as VolumeBody;
}

export interface MachineWish {
  name?: string;
  image?: string;
  env?: Record<string, string>;
  metadata?: Record<string, string>;
  volume?: string;
  memoryMb?: number;
  launch?: boolean;
}

/** An app's machine, with a volume only where one is named. */
export function machineRequest(wish: MachineWish = {}) {
  return {
    ...(wish.name ? { name: wish.name } : {}),
    region: 'iad',
    skip_launch: !wish.launch,
    config: {
      image: wish.image ?? 'echo',
      env: wish.env ?? {},
      guest: { cpu_kind: 'shared', cpus: 1, memory_mb: wish.memoryMb ?? 256 },
      restart: { policy: 'no' },
      services: [{ protocol: 'tcp', internal_port: 3000, ports: [{ port: 80, handlers: ['http'] }] }],
      ...(wish.metadata ? { metadata: wish.metadata } : {}),
      ...(wish.volume ? { mounts: [{ volume: wish.volume, path: '/data' }] } : {}),
    },
  };
}

export async function newMachine(api: Api, app: string, wish: MachineWish = {}): Promise<MachineBody> {
  const { status, body } = await api.call('POST', `/v1/apps/${app}/machines`, { body: machineRequest(wish) });
  if (status !== 200) throw new Error(`No machine: ${JSON.stringify(body)}`);
  return body as MachineBody;
}

/** The state that the wait ended with; throws on a time-out. */
export async function waitFor(api: Api, app: string, id: string, state: string): Promise<void> {
  const { status, body } = await api.call('GET', `/v1/apps/${app}/machines/${id}/wait?state=${state}&timeout=20`);
  if (status !== 200) throw new Error(`Not ${state}: ${JSON.stringify(body)}`);
}

export async function getMachine(api: Api, app: string, id: string): Promise<MachineBody> {
  return (await api.call('GET', `/v1/apps/${app}/machines/${id}`)).body as MachineBody;
}

/** Starts the machine and waits until its program has written the text: it then minds its signals. */
export async function start(api: Api, app: string, id: string, writes = 'listening'): Promise<void> {
  const path = `/v1/apps/${app}/machines/${id}`;
  const { status, body } = await api.call('POST', `${path}/start`);
  if (status !== 200) throw new Error(`Not started: ${JSON.stringify(body)}`);
  await waitFor(api, app, id, 'started');
  await untilWritten(api, app, id, writes);
}

/** Platforms other than the embedded one do not show their logs here: they get a second. */
export async function untilWritten(api: Api, app: string, id: string, text: string): Promise<void> {
  const logs = () => api.call('GET', `/v1/apps/${app}/machines/${id}/logs`);
  if ((await logs()).status === 404) await sleep(1000);
  else await eventually(`machine ${id} writes ${text}`, async () => String((await logs()).body).includes(text));
}
