import { conflictingMachineId, errorText, failedWith } from './errors';
import { FlyApps } from './fly-apps';
import { bearsTenant, isAlive, volumeIdOf } from './fly-marks';
import { whenVisible } from './fly-pauses';
import { realPause, type Pause } from './pause';
import { failure, missing, notOurs } from './platform-failures';
import { FlyStates, isAtRest, isOnTheWay } from './fly-states';
import { FlyVolumes } from './fly-volumes';
import { PrivateAddresses, type MachineReach } from './machine-address';
import { differs, toMachineConfig } from './machine-config';
import type { FlyMachine, FlyVolume } from './machine-types';
import type { MachinesClient } from './machines-client';
import type {
  AppSpec,
  MachineAddress,
  MachineRef,
  MachineSpec,
  MadeMachine,
  Platform,
  Seen,
  VolumeSpec,
} from './platform';

export interface FlyPlatformOptions {
  client: MachinesClient;
  orgSlug: string;
  /** At the address that the platform shows, where nothing else is said. */
  reach?: MachineReach;
  /** Regions in whose stead others may hold a tenant when they have no room, nearest first. None where nothing is said. */
  fallbackRegions?: Readonly<Record<string, readonly string[]>>;
  /** What `stop` does. A suspended machine starts faster where Fly still has its memory; one that cannot be suspended is stopped. */
  rest?: 'stop' | 'suspend';
  pause?: Pause;
  now?: () => number;
}

/** How long a machine has for its SIGTERM before it is killed. */
const STOP_TIMEOUT = '10s';

/** A machine that was just made or updated refuses its start for a while, though it is in no in-between state. */
const START_PAUSES_MS = [250, 500, 1000, 2000, 4000, 8000, 8000, 8000] as const;

const ADOPT_TRIES = 3;
const ADOPT_PAUSE_MS = 250;

/** Tenants on whatever speaks Fly's dialect: Fly itself, and the embedded platform. What is ours bears our mark: see fly-marks.ts. */
export class FlyPlatform implements Platform {
  readonly #client: MachinesClient;
  readonly #reach: MachineReach;
  readonly #apps: FlyApps;
  readonly #volumes: FlyVolumes;
  readonly #states: FlyStates;
  readonly #rest: 'stop' | 'suspend';
  readonly #pause: Pause;

  constructor(options: FlyPlatformOptions) {
    const { client, fallbackRegions = {}, pause = realPause, now = Date.now } = options;
    this.#client = client;
    this.#reach = options.reach ?? new PrivateAddresses(client);
    this.#apps = new FlyApps({ client, orgSlug: options.orgSlug, pause });
    this.#volumes = new FlyVolumes({ client, fallbackRegions, pause, now });
    this.#states = new FlyStates(client, pause);
    this.#rest = options.rest ?? 'stop';
    this.#pause = pause;
  }

  async ensureApp(app: AppSpec, signal: AbortSignal): Promise<void> {
    await this.#apps.ensure(app, signal);
    await whenVisible(() => this.#reach.prepare(app.appName, signal), this.#pause, signal);
  }

  async ensureVolume(volume: VolumeSpec, signal: AbortSignal): Promise<{ volumeId: string }> {
    await this.#apps.requireOurs(volume, signal);
    const { id } = await this.#volumes.ensure(volume, signal);
    return { volumeId: id };
  }

  async ensureMachine(spec: MachineSpec, signal: AbortSignal): Promise<MadeMachine> {
    await this.#apps.requireOurs(spec, signal);
    if (spec.onAnotherHost) {
      const existing = await this.#named(spec, signal);
      if (existing) return this.#moveHost(existing, spec, signal);
    }
    const volume = await this.#volumes.get(spec.appName, spec.volumeId, signal);
    try {
      return await this.#create(spec, volume, signal);
    } catch (error) {
      const existing = conflictingMachineId(error);
      if (existing !== null) return this.#adopt({ appName: spec.appName, machineId: existing }, spec, signal);
      if (!failedWith(error, 'capacity_host')) throw error;
      return this.#createOnCopy(spec, volume, signal);
    }
  }

  async start(ref: MachineRef, signal: AbortSignal): Promise<void> {
    const pauses = [...START_PAUSES_MS];
    // One that is stopping or being replaced refuses: it is asked again when it has settled.
    for (;;) {
      try {
        await this.#client.startMachine(ref.appName, ref.machineId, signal);
        break;
      } catch (error) {
        if (!failedWith(error, 'precondition') || /volume/.test(errorText(error.body))) throw error;
        const machine = await this.#client.getMachine(ref.appName, ref.machineId, signal);
        if (machine.state === 'started') return;
        if (isOnTheWay(machine)) {
          await this.#states.settled(ref, signal);
          continue;
        }
        const pauseMs = pauses.shift();
        if (pauseMs === undefined) throw error;
        await this.#pause(pauseMs, signal);
      }
    }
    await this.#states.started(ref, signal);
  }

  async stop(ref: MachineRef, signal: AbortSignal): Promise<void> {
    try {
      if (this.#rest === 'suspend' && (await this.#suspend(ref, signal))) return;
      await this.#client.stopMachine(ref.appName, ref.machineId, { signal: 'SIGTERM', timeout: STOP_TIMEOUT }, signal);
      await this.#states.stopped(ref, signal);
    } catch (error) {
      if (failedWith(error, 'not_found')) return;
      if (!failedWith(error, 'precondition')) throw error;
      const { state } = await this.#states.settled(ref, signal);
      if (state === 'started') throw error;
    }
  }

  async look(app: AppSpec, signal: AbortSignal): Promise<Seen> {
    const whose = await this.#apps.whose(app, signal);
    if (whose !== 'ours') return { app: whose, volumes: [], machines: [] };
    const { volumes, mounted, machines } = await this.#volumes.holdings(app.appName, signal);
    const alive = machines.filter(isAlive);
    requireAnsweringHosts(alive);
    return {
      app: 'ours',
      volumes: volumes.map(({ id, region, attached_machine_id: attached }) => ({
        id,
        region,
        attachedMachineId: attached ?? null,
        everMounted: mounted.has(id),
      })),
      machines: alive.filter(bearsTenant(app.tenantId)).map(toSeenMachine),
    };
  }

  /** By the app: Fly takes machines, volumes and addresses along, which is one call instead of one for each, under its limits. */
  async destroy(app: AppSpec, signal: AbortSignal): Promise<void> {
    const whose = await this.#apps.whose(app, signal);
    if (whose === 'absent') return;
    if (whose === 'foreign') throw notOurs(`The app ${app.appName}`, app.tenantId);
    const machines = (await this.#client.listMachines(app.appName, {}, signal)).filter(isAlive);
    requireAnsweringHosts(machines);
    const stranger = machines.find((machine) => !bearsTenant(app.tenantId)(machine));
    if (stranger) throw notOurs(`The machine ${stranger.id} of ${app.appName}`, app.tenantId);
    await this.#client.deleteApp(app.appName, { force: true }, signal).catch((error: unknown) => {
      if (!failedWith(error, 'not_found')) throw error;
    });
    await this.#apps.untilGone(app, signal);
  }

  address(ref: MachineRef, signal: AbortSignal): Promise<MachineAddress> {
    return this.#reach.addressOf(ref, signal);
  }

  async #create(spec: MachineSpec, volume: FlyVolume, signal: AbortSignal): Promise<MadeMachine> {
    const body = {
      name: nameOf(spec),
      region: volume.region, // which may be another than was wanted
      config: toMachineConfig({ ...spec, volumeId: volume.id }),
      skip_launch: true,
    };
    const create = () => this.#client.createMachine(spec.appName, body, signal);
    const made = await whenVisible(create, this.#pause, signal);
    await this.#states.settled({ appName: spec.appName, machineId: made.id }, signal);
    return { machineId: made.id, volumeId: volume.id };
  }

  /**
   * The volume's host has no room for the machine, and a volume does not move: a copy of it on another host takes its place. The volume itself
   * stays until the caller's row names the copy; `ensureVolume` with the copy then deletes it, unless it was ever mounted.
   */
  async #createOnCopy(spec: MachineSpec, source: FlyVolume, signal: AbortSignal): Promise<MadeMachine> {
    const copy = await this.#volumes.copy(spec.appName, source, spec.memoryMb, signal);
    return this.#create(spec, copy, signal);
  }

  /** A machine at rest whose host has no room for it any more: made anew on a copy of its volume. */
  async #moveHost(machine: FlyMachine, spec: MachineSpec, signal: AbortSignal): Promise<MadeMachine> {
    requireTenant(machine, spec.tenantId);
    if (!isAtRest(machine)) {
      throw failure(`The machine ${machine.id} is ${machine.state}: it is not moved.`, 409, 'conflict');
    }
    const source = await this.#volumes.get(spec.appName, volumeIdOf(machine) ?? spec.volumeId, signal);
    const copy = await this.#volumes.copy(spec.appName, source, spec.memoryMb, signal);
    // One that was started meanwhile has written what the copy lacks.
    const now = await this.#client.getMachine(spec.appName, machine.id, signal);
    if (!isAtRest(now) || now.updated_at !== machine.updated_at) {
      throw failure(`The machine ${machine.id} was used while its volume was copied.`, 409, 'conflict', { body: now });
    }
    await this.#client.deleteMachine(spec.appName, machine.id, { force: false }, signal);
    return this.#create(spec, copy, signal);
  }

  /** The private address: on Fly an IPv6 address of the app's network, which all its machines are in. */
  async peerUrl(ref: MachineRef, port: number, signal: AbortSignal): Promise<string> {
    const { private_ip: ip } = await this.#client.getMachine(ref.appName, ref.machineId, signal);
    if (!ip) throw missing(`An address of the machine ${ref.machineId}`);
    return `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
  }

  /**
   * The machine that has the name, with the configuration that is wanted. The volume that it mounts is kept, whichever that is: Fly moves
   * machines to other hosts on copies of their volumes.
   */
  async #adopt(ref: MachineRef, spec: MachineSpec, signal: AbortSignal): Promise<MadeMachine> {
    for (let tries = 1; ; tries += 1) {
      const machine = await this.#states.settled(ref, signal);
      requireTenant(machine, spec.tenantId);
      const volumeId = volumeIdOf(machine) ?? spec.volumeId;
      const config = toMachineConfig({ ...spec, volumeId });
      if (!differs(machine.config, config)) return { machineId: machine.id, volumeId };
      try {
        await this.#update(machine, ref, config, signal);
        return { machineId: machine.id, volumeId };
      } catch (error) {
        if (failedWith(error, 'capacity_host') && isAtRest(machine)) return this.#moveHost(machine, spec, signal);
        // Somebody else changed it in between: look at what it is now.
        if (!failedWith(error, 'conflict', 'precondition') || tries >= ADOPT_TRIES) throw error;
        await this.#pause(ADOPT_PAUSE_MS * tries, signal);
      }
    }
  }

  /** Throws `reverted` when the machine went back to what it was. */
  async #update(
    { version, region, name }: FlyMachine,
    ref: MachineRef,
    config: ReturnType<typeof toMachineConfig>,
    signal: AbortSignal,
  ): Promise<void> {
    const body = { config, region, name, current_version: version };
    const updated = await this.#client.updateMachine(ref.appName, ref.machineId, body, signal);
    const settled = await this.#states.settled(ref, signal);
    if (settled.version === updated.version || !differs(settled.config, config)) return;
    const text = `The machine ${ref.machineId} was updated and went back to the version ${settled.version}; its image may not be to be had.`;
    throw failure(text, 200, 'reverted', { body: settled });
  }

  /** False where it runs and was refused, for whatever reason: then it is stopped. */
  async #suspend(ref: MachineRef, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#client.suspendMachine(ref.appName, ref.machineId, signal);
    } catch (error) {
      if (!failedWith(error, 'precondition', 'conflict', 'bad_request')) throw error;
      // A stop would take from one that is suspended what it could be resumed from.
      return isAtRest(await this.#states.settled(ref, signal));
    }
    await this.#states.stopped(ref, signal);
    return true;
  }

  async #named(spec: MachineSpec, signal: AbortSignal): Promise<FlyMachine | undefined> {
    const machines = await this.#client.listMachines(spec.appName, {}, signal);
    return machines.filter(isAlive).find(({ name }) => name === nameOf(spec));
  }
}

const nameOf = (spec: MachineSpec) => `${spec.appName}-${spec.region}`;

function requireTenant(machine: FlyMachine, tenantId: string): void {
  if (!bearsTenant(tenantId)(machine)) throw notOurs(`The machine ${machine.id}`, tenantId);
}

/** A machine on a host that does not answer may be shown without its mark and mount. Nothing is known of it then; it is not gone. */
function requireAnsweringHosts(machines: FlyMachine[]): void {
  const silent = machines.find((one) => !one.config && (one.host_status ?? 'ok') !== 'ok' && volumeIdOf(one) === null);
  if (silent)
    throw failure(`The host of the machine ${silent.id} does not answer.`, 0, 'unavailable', { body: silent });
}

function toSeenMachine(machine: FlyMachine): Seen['machines'][number] {
  const { id, name, state, region, version } = machine;
  return { id, name, state, region, version, volumeId: volumeIdOf(machine), env: machine.config?.env ?? {} };
}
