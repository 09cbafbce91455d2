import { setTimeout as sleep } from 'node:timers/promises';
import { conflictingMachineId, errorText, failedWith, MachinesApiError } from './errors';
import type { FlyMachine, FlyVolume } from './machine-types';
import type { MachinesClient } from './machines-client';
import { differs, toMachineConfig, volumeIdOf } from './machine-config';
import type { AppSpec, MachineRef, MachineSpec, Platform, Seen, VolumeSpec } from './platform';

export interface FlyPlatformOptions {
  client: MachinesClient;
  orgSlug: string;
}

/** How long a machine has for its SIGTERM before it is killed. */
const STOP_TIMEOUT = '10s';

/** A wait for one state does not end when the machine went another way: that is looked at this often. */
const LOOK_SECONDS = 2;

/** States in which a machine is on its way to another one; everything else has settled. */
const ON_THE_WAY = new Set([
  'creating',
  'starting',
  'stopping',
  'restarting',
  'suspending',
  'updating',
  'replacing',
  'destroying',
]);

/** States of a volume that is being deleted; Fly shows it for another day. */
const GOING_VOLUME = new Set(['pending_destroy', 'scheduling_destroy', 'destroying', 'destroyed']);

/**
 * Tenants on whatever speaks Fly's dialect: Fly itself, and the embedded platform.
 * Our mark is the tenant id: in `config.metadata.tenant_id` of a machine, and in an app's network name, `tenant-<id>`,
 * which Fly never lets change. A volume has no mark of its own; it is ours through its app.
 */
export class FlyPlatform implements Platform {
  readonly #client: MachinesClient;
  readonly #orgSlug: string;

  constructor(options: FlyPlatformOptions) {
    this.#client = options.client;
    this.#orgSlug = options.orgSlug;
  }

  async ensureApp(app: AppSpec, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.createApp(
        { app_name: app.appName, name: app.appName, org_slug: this.#orgSlug, network: networkOf(app) },
        signal,
      );
    } catch (error) {
      if (!failedWith(error, 'name_taken')) throw error;
      // Perhaps by an earlier try whose answer was lost: the network name tells.
      if ((await this.#whoseApp(app, signal)) !== 'ours') throw error;
    }
  }

  async ensureVolume(volume: VolumeSpec, signal: AbortSignal): Promise<{ volumeId: string }> {
    await this.#requireOurs(volume, signal);
    const [volumes, mounted] = await this.#volumesAndMounts(volume.appName, signal);
    const here = volumes.filter((one) => one.region === volume.region).sort(byAge);
    const neverMounted = here.filter((one) => !mounted.has(one.id));
    const chosen = volume.knownVolumeId
      ? this.#known(volume.knownVolumeId, here)
      : await this.#firstVolume(volume, here, neverMounted, signal);
    for (const spare of neverMounted) {
      if (spare.id !== chosen.id) await this.#deleteVolume(volume.appName, spare.id, signal);
    }
    return { volumeId: chosen.id };
  }

  async ensureMachine(machine: MachineSpec, signal: AbortSignal): Promise<{ machineId: string }> {
    await this.#requireOurs(machine, signal);
    const name = `${machine.appName}-${machine.region}`;
    try {
      const made = await this.#client.createMachine(
        machine.appName,
        { name, region: machine.region, config: toMachineConfig(machine), skip_launch: true },
        signal,
      );
      await this.#settled({ appName: machine.appName, machineId: made.id }, signal);
      return { machineId: made.id };
    } catch (error) {
      const existing = conflictingMachineId(error);
      if (existing === null) throw error;
      await this.#adopt({ appName: machine.appName, machineId: existing }, machine, signal);
      return { machineId: existing };
    }
  }

  async start(ref: MachineRef, signal: AbortSignal): Promise<void> {
    // One that is stopping or being replaced refuses: it is asked again when it has settled.
    for (let refusals = 0; ; refusals += 1) {
      try {
        await this.#client.startMachine(ref.appName, ref.machineId, signal);
        break;
      } catch (error) {
        if (!failedWith(error, 'precondition') || /volume/.test(errorText(error.body))) throw error;
        const { state } = await this.#client.getMachine(ref.appName, ref.machineId, signal);
        if (state === 'started') return;
        if (!ON_THE_WAY.has(state) && refusals >= 3) throw error;
        await this.#settled(ref, signal);
      }
    }
    await this.#started(ref, signal);
  }

  async stop(ref: MachineRef, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.stopMachine(ref.appName, ref.machineId, { signal: 'SIGTERM', timeout: STOP_TIMEOUT }, signal);
      await this.#stopped(ref, signal);
    } catch (error) {
      if (failedWith(error, 'not_found')) return;
      if (!failedWith(error, 'precondition')) throw error;
      const { state } = await this.#settled(ref, signal);
      if (state === 'started') throw error;
    }
  }

  async look(app: AppSpec, signal: AbortSignal): Promise<Seen> {
    const whose = await this.#whoseApp(app, signal);
    if (whose !== 'ours') return { app: whose, volumes: [], machines: [] };
    const [volumes, mounted, machines] = await this.#volumesAndMounts(app.appName, signal);
    return {
      app: 'ours',
      volumes: volumes.map(({ id, region, attached_machine_id: attached }) => ({
        id,
        region,
        attachedMachineId: attached ?? null,
        everMounted: mounted.has(id),
      })),
      machines: machines.filter(isAlive).filter(bearsTenant(app.tenantId)).map(toSeenMachine),
    };
  }

  async destroy(app: AppSpec, signal: AbortSignal): Promise<void> {
    const whose = await this.#whoseApp(app, signal);
    if (whose === 'absent') return;
    if (whose === 'foreign') throw notOurs(`The app ${app.appName}`, app.tenantId);
    const machines = (await this.#client.listMachines(app.appName, {}, signal)).filter(isAlive);
    const stranger = machines.find((machine) => !bearsTenant(app.tenantId)(machine));
    if (stranger) throw notOurs(`The machine ${stranger.id} of ${app.appName}`, app.tenantId);
    for (const { id } of machines) {
      await doneWhenGone(this.#client.deleteMachine(app.appName, id, { force: true }, signal));
    }
    for (const { id } of (await this.#client.listVolumes(app.appName, signal)).filter(isKept)) {
      await this.#deleteVolume(app.appName, id, signal);
    }
    await doneWhenGone(this.#client.deleteApp(app.appName, { force: true }, signal));
  }

  async address(ref: MachineRef, signal: AbortSignal): Promise<string> {
    const machine = await this.#client.getMachine(ref.appName, ref.machineId, signal);
    const port = machine.private_port ?? machine.config?.services?.[0]?.internal_port;
    if (!machine.private_ip || port === undefined) {
      throw new MachinesApiError(`The machine ${ref.machineId} has no address.`, {
        status: 200,
        body: machine,
        requestId: null,
        reason: 'unknown',
      });
    }
    return `http://${machine.private_ip}:${port}`;
  }

  /** The private address: on Fly an IPv6 address of the app's network, which all its machines are in. */
  async peerUrl(ref: MachineRef, port: number, signal: AbortSignal): Promise<string> {
    const { private_ip: ip } = await this.#client.getMachine(ref.appName, ref.machineId, signal);
    if (!ip) throw missing(`An address of the machine ${ref.machineId}`);
    return `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
  }

  async #whoseApp(app: AppSpec, signal: AbortSignal): Promise<Seen['app']> {
    try {
      const { network } = await this.#client.getApp(app.appName, signal);
      return network === networkOf(app) ? 'ours' : 'foreign';
    } catch (error) {
      if (failedWith(error, 'not_found')) return 'absent';
      if (failedWith(error, 'unauthorized') && error.status === 403) return 'foreign'; // in another organisation
      throw error;
    }
  }

  async #requireOurs(app: AppSpec, signal: AbortSignal): Promise<void> {
    const whose = await this.#whoseApp(app, signal);
    if (whose === 'foreign') throw notOurs(`The app ${app.appName}`, app.tenantId);
    if (whose === 'absent') throw missing(`The app ${app.appName}`);
  }

  /** Volumes that are not being deleted, the ids of those that a machine mounts or, deleted since, mounted, and all machines. */
  async #volumesAndMounts(app: string, signal: AbortSignal): Promise<[FlyVolume[], Set<string>, FlyMachine[]]> {
    const [volumes, machines] = await Promise.all([
      this.#client.listVolumes(app, signal),
      this.#client.listMachines(app, { include_deleted: true }, signal),
    ]);
    const mounted = new Set(machines.map(volumeIdOf).filter((id) => id !== null));
    for (const { id, attached_machine_id: attached } of volumes) if (attached) mounted.add(id);
    return [volumes.filter(isKept), mounted, machines];
  }

  #known(id: string, volumes: FlyVolume[]): FlyVolume {
    const known = volumes.find((volume) => volume.id === id);
    if (!known) throw missing(`The volume ${id}`);
    return known;
  }

  /** For a caller that knows of none: one whose creation was not heard of, else a new one; never beside one that holds data. */
  async #firstVolume(
    volume: VolumeSpec,
    here: FlyVolume[],
    neverMounted: FlyVolume[],
    signal: AbortSignal,
  ): Promise<FlyVolume> {
    const mounted = here.find((one) => !neverMounted.includes(one));
    if (mounted) {
      throw new MachinesApiError(
        `The volume ${mounted.id} was mounted before and may hold data, but was not named: no other is taken or made.`,
        { status: 409, body: mounted, requestId: null, reason: 'conflict' },
      );
    }
    const [made] = neverMounted;
    const request = { name: 'data', region: volume.region, size_gb: volume.sizeGb };
    return made ?? this.#client.createVolume(volume.appName, request, signal);
  }

  async #adopt(ref: MachineRef, spec: MachineSpec, signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const machine = await this.#settled(ref, signal);
      if (!bearsTenant(spec.tenantId)(machine)) throw notOurs(`The machine ${machine.id}`, spec.tenantId);
      const config = toMachineConfig(spec);
      if (!differs(machine.config, config)) return;
      try {
        await this.#client.updateMachine(
          ref.appName,
          ref.machineId,
          { config, region: machine.region, name: machine.name, current_version: machine.version },
          signal,
        );
        await this.#settled(ref, signal);
        return;
      } catch (error) {
        // Somebody else changed it in between: look at what it is now.
        if (!failedWith(error, 'conflict', 'precondition') || tries >= 3) throw error;
      }
    }
  }

  /** Throws `conflict` when somebody started the machine again before its stop was seen. */
  async #stopped(ref: MachineRef, signal: AbortSignal): Promise<void> {
    const states = ['stopped', 'suspended', 'destroyed', 'failed'];
    for (;;) {
      try {
        await this.#client.waitMachine(ref.appName, ref.machineId, { states, timeoutSeconds: LOOK_SECONDS }, signal);
        return;
      } catch (error) {
        if (!failedWith(error, 'timeout')) throw error;
        const machine = await this.#client.getMachine(ref.appName, ref.machineId, signal);
        if (machine.state !== 'started' && machine.state !== 'starting') continue;
        throw new MachinesApiError(`The machine ${ref.machineId} was asked to stop and is ${machine.state}.`, {
          status: 200,
          body: machine,
          requestId: null,
          reason: 'conflict',
          cause: error,
        });
      }
    }
  }

  /** `started` on the platform; throws `unavailable` when the machine ended instead. */
  async #started(ref: MachineRef, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#client.waitMachine(
          ref.appName,
          ref.machineId,
          { states: ['started'], timeoutSeconds: LOOK_SECONDS },
          signal,
        );
        return;
      } catch (error) {
        if (!failedWith(error, 'timeout')) throw error;
        const machine = await this.#client.getMachine(ref.appName, ref.machineId, signal);
        if (ON_THE_WAY.has(machine.state) || machine.state === 'started') continue;
        throw new MachinesApiError(`The machine ${ref.machineId} was started and is ${machine.state}.`, {
          status: 200,
          body: machine,
          requestId: null,
          reason: 'unavailable',
          cause: error,
        });
      }
    }
  }

  /** Reads the machine until it is in no in-between state. */
  async #settled(ref: MachineRef, signal: AbortSignal): Promise<FlyMachine> {
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
      const machine = await this.#client.getMachine(ref.appName, ref.machineId, signal);
      if (!ON_THE_WAY.has(machine.state)) return machine;
      await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  /** A volume stays bound for a while after its machine was destroyed: the refusal is repeated until the signal ends it. */
  async #deleteVolume(app: string, id: string, signal: AbortSignal): Promise<void> {
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 5000)) {
      try {
        return await doneWhenGone(this.#client.deleteVolume(app, id, signal));
      } catch (error) {
        if (!failedWith(error, 'precondition')) throw error;
        await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    }
  }
}

const networkOf = (app: AppSpec) => `tenant-${app.tenantId}`;
const isAlive = (machine: FlyMachine) => machine.state !== 'destroyed' && machine.state !== 'destroying';
const isKept = (volume: FlyVolume) => !GOING_VOLUME.has(volume.state);
const bearsTenant = (tenantId: string) => (machine: FlyMachine) => machine.config?.metadata?.['tenant_id'] === tenantId;

const byAge = (a: FlyVolume, b: FlyVolume) =>
  (a.created_at ?? '').localeCompare(b.created_at ?? '') || a.id.localeCompare(b.id);

function toSeenMachine(machine: FlyMachine): Seen['machines'][number] {
  const { id, name, state, region, version } = machine;
  return { id, name, state, region, version, volumeId: volumeIdOf(machine), env: machine.config?.env ?? {} };
}

async function doneWhenGone(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!failedWith(error, 'not_found')) throw error;
  }
}

function notOurs(what: string, tenantId: string): MachinesApiError {
  return new MachinesApiError(`${what} does not bear the tenant id ${tenantId}.`, {
    status: 422,
    body: null,
    requestId: null,
    reason: 'name_taken',
  });
}

function missing(what: string): MachinesApiError {
  return new MachinesApiError(`${what} does not exist.`, {
    status: 404,
    body: null,
    requestId: null,
    reason: 'not_found',
  });
}
