import { failedWith } from './errors';
import {
  toList,
  toMachine,
  toVolume,
  type CreateAppRequest,
  type CreateMachineRequest,
  type AssignIpRequest,
  type CreateVolumeRequest,
  type ExtendVolumeRequest,
  type FlyApp,
  type FlyAppList,
  type FlyMachine,
  type FlyVolume,
  type IpAssignment,
  type MachineEvent,
  type RestartRequest,
  type TokenInfo,
  type StopRequest,
  type UpdateMachineRequest,
  type WaitResult,
} from './machine-types';
import { MachinesTransport, type MachinesClientOptions } from './machines-transport';

export interface MachineFilter {
  region?: string;
  state?: string[];
  metadata?: Record<string, string>;
  include_deleted?: boolean;
}

export interface WaitRequest {
  /** Any of them ends the wait. */
  states: string[];
  /** Binds the wait to one incarnation of the machine. */
  version?: string;
  /** 1 to 60, the bounds of Fly. */
  timeoutSeconds: number;
}

/**
 * The Machines API, one method an endpoint. Every method throws `MachinesApiError` (also when no answer came) or the reason of
 * its signal, and repeats by itself only what is safe to repeat.
 */
export class MachinesClient {
  readonly #transport: MachinesTransport;

  constructor(options: MachinesClientOptions) {
    this.#transport = new MachinesTransport(options);
  }

  /** Reason `name_taken` where the name exists, also when an earlier try of this very call made it. */
  async createApp(body: CreateAppRequest, signal: AbortSignal): Promise<void> {
    await this.#transport.send({ method: 'POST', path: '/apps', body, repeatable: 'always' }, signal);
  }

  async getApp(app: string, signal: AbortSignal): Promise<FlyApp> {
    const body = await this.#transport.send({ method: 'GET', path: appPath(app), repeatable: 'always' }, signal);
    return body as FlyApp; // every field of it is optional
  }

  async listApps(orgSlug: string, signal: AbortSignal): Promise<FlyAppList> {
    const query = { org_slug: orgSlug };
    const body = await this.#transport.send({ method: 'GET', path: '/apps', query, repeatable: 'always' }, signal);
    const { apps, total_apps: total } = body as Partial<FlyAppList>;
    return { apps: toList(apps, (app) => app as FlyApp), total_apps: total ?? apps?.length ?? 0 };
  }

  /** Takes the app's machines and volumes along. */
  async deleteApp(app: string, options: { force: boolean }, signal: AbortSignal): Promise<void> {
    const query = { force: options.force };
    await this.#transport.send({ method: 'DELETE', path: appPath(app), query, repeatable: 'always' }, signal);
  }

  /** What our own token is good for. */
  async currentTokens(signal: AbortSignal): Promise<TokenInfo[]> {
    const body = await this.#transport.send({ method: 'GET', path: '/tokens/current', repeatable: 'always' }, signal);
    return toList((body as { tokens?: unknown } | null)?.tokens ?? [], (token) => token as TokenInfo); // all optional
  }

  async listIps(app: string, signal: AbortSignal): Promise<IpAssignment[]> {
    const path = `${appPath(app)}/ip_assignments`;
    const body = await this.#transport.send({ method: 'GET', path, repeatable: 'always' }, signal);
    return toList((body as { ips?: unknown } | null)?.ips ?? [], (ip) => ip as IpAssignment); // every field is optional
  }

  /** Repeated only when it was certainly not carried out: an app may have several addresses. */
  async assignIp(app: string, body: AssignIpRequest, signal: AbortSignal): Promise<IpAssignment> {
    const path = `${appPath(app)}/ip_assignments`;
    return (await this.#transport.send(
      { method: 'POST', path, body, repeatable: 'if_refused' },
      signal,
    )) as IpAssignment;
  }

  /** Needs a name: it is what makes a repeat end in a conflict instead of a second machine. */
  async createMachine(
    app: string,
    body: CreateMachineRequest & { name: string },
    signal: AbortSignal,
  ): Promise<FlyMachine> {
    const path = `${appPath(app)}/machines`;
    return toMachine(await this.#transport.send({ method: 'POST', path, body, repeatable: 'always' }, signal));
  }

  async getMachine(app: string, id: string, signal: AbortSignal): Promise<FlyMachine> {
    const path = machinePath(app, id);
    return toMachine(await this.#transport.send({ method: 'GET', path, repeatable: 'always' }, signal));
  }

  async listMachines(app: string, filter: MachineFilter, signal: AbortSignal): Promise<FlyMachine[]> {
    const metadata = Object.entries(filter.metadata ?? {}).map(([key, value]) => [`metadata.${key}`, value] as const);
    const query = {
      region: filter.region,
      state: filter.state?.join(','),
      include_deleted: filter.include_deleted,
      ...Object.fromEntries(metadata),
    };
    const path = `${appPath(app)}/machines`;
    return toList(await this.#transport.send({ method: 'GET', path, query, repeatable: 'always' }, signal), toMachine);
  }

  /** Replaces the whole configuration. Not repeated after a lost answer: under `current_version` the repeat would be refused. */
  async updateMachine(app: string, id: string, body: UpdateMachineRequest, signal: AbortSignal): Promise<FlyMachine> {
    const path = machinePath(app, id);
    return toMachine(await this.#transport.send({ method: 'POST', path, body, repeatable: 'if_refused' }, signal));
  }

  async startMachine(app: string, id: string, signal: AbortSignal): Promise<void> {
    const path = `${machinePath(app, id)}/start`;
    await this.#transport.send({ method: 'POST', path, repeatable: 'always' }, signal);
  }

  async stopMachine(app: string, id: string, body: StopRequest, signal: AbortSignal): Promise<void> {
    const path = `${machinePath(app, id)}/stop`;
    await this.#transport.send({ method: 'POST', path, body, repeatable: 'always' }, signal);
  }

  /** The process ends and another is started, under the same version. Not repeated after a lost answer: it would restart twice. */
  async restartMachine(app: string, id: string, restart: RestartRequest, signal: AbortSignal): Promise<void> {
    const path = `${machinePath(app, id)}/restart`;
    await this.#transport.send({ method: 'POST', path, query: { ...restart }, repeatable: 'if_refused' }, signal);
  }

  /** The next start resumes it where that is still possible, else boots it. */
  async suspendMachine(app: string, id: string, signal: AbortSignal): Promise<void> {
    const path = `${machinePath(app, id)}/suspend`;
    await this.#transport.send({ method: 'POST', path, repeatable: 'always' }, signal);
  }

  /** The newest first; the server gives 50 at most. */
  async listEvents(app: string, id: string, limit: number, signal: AbortSignal): Promise<MachineEvent[]> {
    const path = `${machinePath(app, id)}/events`;
    const body = await this.#transport.send({ method: 'GET', path, query: { limit }, repeatable: 'always' }, signal);
    return toList(body, (event) => event as MachineEvent); // every field of it is optional
  }

  async deleteMachine(app: string, id: string, options: { force: boolean }, signal: AbortSignal): Promise<void> {
    const query = { force: options.force };
    const path = machinePath(app, id);
    await this.#transport.send({ method: 'DELETE', path, query, repeatable: 'always' }, signal);
  }

  /** One wait on the server, a minute at most; reason `timeout` (408) where the state was not reached. */
  async waitMachine(app: string, id: string, wait: WaitRequest, signal: AbortSignal): Promise<WaitResult> {
    const query = { state: wait.states, version: wait.version, timeout: wait.timeoutSeconds };
    const path = `${machinePath(app, id)}/wait`;
    const heldMs = wait.timeoutSeconds * 1000;
    // A time-out is this call's ordinary answer, so it is not one to repeat here.
    const body = await this.#transport.send({ method: 'GET', path, query, repeatable: 'if_refused', heldMs }, signal);
    const { state, version } = (body ?? {}) as Partial<WaitResult>;
    return { state: state ?? wait.states[0] ?? '', version: version ?? '' };
  }

  /** Waits past the server's minute, until a state is reached or the signal, which is the caller's budget, is aborted. */
  async waitUntil(
    app: string,
    id: string,
    wait: { states: string[]; version?: string },
    signal: AbortSignal,
  ): Promise<WaitResult> {
    for (;;) {
      try {
        return await this.waitMachine(app, id, { ...wait, timeoutSeconds: 60 }, signal);
      } catch (error) {
        if (!failedWith(error, 'timeout') || error.status !== 408) throw error;
      }
    }
  }

  async getMetadata(app: string, id: string, signal: AbortSignal): Promise<Record<string, string>> {
    const path = `${machinePath(app, id)}/metadata`;
    const body = await this.#transport.send({ method: 'GET', path, repeatable: 'always' }, signal);
    return body as Record<string, string>; // a map of texts is all that the endpoint can hold
  }

  async setMetadata(app: string, id: string, key: string, value: string, signal: AbortSignal): Promise<void> {
    const path = `${machinePath(app, id)}/metadata/${encodeURIComponent(key)}`;
    await this.#transport.send({ method: 'POST', path, body: { value }, repeatable: 'always' }, signal);
  }

  async deleteMetadata(app: string, id: string, key: string, signal: AbortSignal): Promise<void> {
    const path = `${machinePath(app, id)}/metadata/${encodeURIComponent(key)}`;
    await this.#transport.send({ method: 'DELETE', path, repeatable: 'always' }, signal);
  }

  /** Neither restarts the machine nor makes a new version; an empty value removes the key. */
  async patchMetadata(
    app: string,
    id: string,
    body: { metadata: Record<string, string>; machine_version?: string },
    signal: AbortSignal,
  ): Promise<void> {
    const path = `${machinePath(app, id)}/metadata`;
    await this.#transport.send({ method: 'PATCH', path, body, repeatable: 'always' }, signal);
  }

  /** Repeated only when it was certainly not carried out: nothing about a volume makes a second one conflict. */
  async createVolume(app: string, body: CreateVolumeRequest, signal: AbortSignal): Promise<FlyVolume> {
    const path = `${appPath(app)}/volumes`;
    return toVolume(await this.#transport.send({ method: 'POST', path, body, repeatable: 'if_refused' }, signal));
  }

  async listVolumes(app: string, signal: AbortSignal): Promise<FlyVolume[]> {
    const path = `${appPath(app)}/volumes`;
    return toList(await this.#transport.send({ method: 'GET', path, repeatable: 'always' }, signal), toVolume);
  }

  async getVolume(app: string, id: string, signal: AbortSignal): Promise<FlyVolume> {
    const path = volumePath(app, id);
    return toVolume(await this.#transport.send({ method: 'GET', path, repeatable: 'always' }, signal));
  }

  /** Only ever to a greater size. `needsRestart`: its machine sees the new size after that. */
  async extendVolume(
    app: string,
    id: string,
    body: ExtendVolumeRequest,
    signal: AbortSignal,
  ): Promise<{ volume: FlyVolume; needsRestart: boolean }> {
    const path = `${volumePath(app, id)}/extend`;
    const answer = await this.#transport.send({ method: 'PUT', path, body, repeatable: 'always' }, signal);
    const { volume, needs_restart: needsRestart } = (answer ?? {}) as { volume?: unknown; needs_restart?: boolean };
    return { volume: toVolume(volume), needsRestart: needsRestart ?? false };
  }

  async deleteVolume(app: string, id: string, signal: AbortSignal): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: volumePath(app, id), repeatable: 'always' }, signal);
  }

  /** Ends what is under way and the connections. */
  async close(): Promise<void> {
    await this.#transport.close();
  }
}

const appPath = (app: string) => `/apps/${encodeURIComponent(app)}`;
const machinePath = (app: string, id: string) => `${appPath(app)}/machines/${encodeURIComponent(id)}`;
const volumePath = (app: string, id: string) => `${appPath(app)}/volumes/${encodeURIComponent(id)}`;
