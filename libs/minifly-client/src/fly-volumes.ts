import { failedWith } from './errors';
import { isKept, volumeIdOf } from './fly-marks';
import { whenVisible } from './fly-pauses';
import type { Pause } from './pause';
import { mayHoldData, missing, volumeMissing } from './platform-failures';
import { guestOf } from './machine-config';
import type { FlyMachine, FlyVolume } from './machine-types';
import type { MachinesClient } from './machines-client';
import type { VolumeSpec } from './platform';

export interface FlyVolumesOptions {
  client: MachinesClient;
  /** Regions in whose stead others may hold a volume, nearest first. */
  fallbackRegions: Readonly<Record<string, readonly string[]>>;
  pause: Pause;
  /** Epoch milliseconds, the platform's or near it. */
  now: () => number;
}

/** What there is of an app's volumes and machines, and which volumes a machine has or, deleted since, had. */
export interface Holdings {
  volumes: FlyVolume[];
  mounted: ReadonlySet<string>;
  /** Deleted ones included. */
  machines: FlyMachine[];
}

/**
 * Fly does not say for how long it lists destroyed machines, and only they tell that a volume was mounted once. A volume that is deleted for
 * a spare is younger than this, so that whatever mounted it would be listed.
 */
const SPARE_MS = 24 * 3600 * 1000;

/** Names of Fly's volumes are letters, digits and underscores. A volume that is not in its region says for which one it is. */
const NAME = 'data';
const STAND_IN = 'data_for_';

/** Volumes of tenants' apps: chosen, made where there is room, copied to another host, and only deleted when never mounted. */
export class FlyVolumes {
  readonly #client: MachinesClient;
  readonly #fallbackRegions: FlyVolumesOptions['fallbackRegions'];
  readonly #pause: Pause;
  readonly #now: () => number;

  constructor(options: FlyVolumesOptions) {
    this.#client = options.client;
    this.#fallbackRegions = options.fallbackRegions;
    this.#pause = options.pause;
    this.#now = options.now;
  }

  /** The known one, else one whose creation was not heard of, else a new one; never a new one beside one that holds data. */
  async ensure(spec: VolumeSpec, signal: AbortSignal): Promise<FlyVolume> {
    const { volumes, mounted } = await this.holdings(spec.appName, signal);
    const here = volumes.filter(isFor(spec.region)).sort(byAge);
    const neverMounted = here.filter((one) => !mounted.has(one.id));
    const chosen = spec.knownVolumeId
      ? known(spec.knownVolumeId, here)
      : await this.#first(spec, here, neverMounted, signal);
    for (const spare of neverMounted) {
      if (spare.id !== chosen.id && this.#isNew(spare)) await this.delete(spec.appName, spare.id, signal);
    }
    return chosen;
  }

  /** One that a machine can be made on; `precondition` where it is gone or going. */
  async get(appName: string, id: string, signal: AbortSignal): Promise<FlyVolume> {
    const volume = await this.#client.getVolume(appName, id, signal).catch((error: unknown) => {
      if (failedWith(error, 'not_found')) throw volumeMissing(id);
      throw error;
    });
    if (!isKept(volume)) throw volumeMissing(id);
    return volume;
  }

  /**
   * A copy on another host of the same region, of a volume whose machine does not run. Never one that an earlier try made: the volume
   * may have been written since. Such copies are deleted first, as they were never mounted.
   */
  async copy(appName: string, source: FlyVolume, memoryMb: number, signal: AbortSignal): Promise<FlyVolume> {
    const { volumes, mounted } = await this.holdings(appName, signal);
    for (const volume of volumes) {
      const { id, name, region } = volume;
      const isEarlierTry = id !== source.id && name === source.name && region === source.region && !mounted.has(id);
      if (isEarlierTry && this.#isNew(volume)) await this.delete(appName, id, signal);
    }
    const request = {
      name: source.name,
      region: source.region,
      source_volume_id: source.id,
      compute: guestOf(memoryMb),
    };
    return this.#client.createVolume(appName, request, signal);
  }

  async holdings(app: string, signal: AbortSignal): Promise<Holdings> {
    const [volumes, machines] = await Promise.all([
      this.#client.listVolumes(app, signal),
      this.#client.listMachines(app, { include_deleted: true }, signal),
    ]);
    const mounted = new Set(machines.map(volumeIdOf).filter((id) => id !== null));
    for (const { id, attached_machine_id: attached } of volumes) if (attached) mounted.add(id);
    return { volumes: volumes.filter(isKept), mounted, machines };
  }

  /** A volume stays bound for a while after its machine was destroyed: the refusal is repeated until the signal ends it. */
  async delete(app: string, id: string, signal: AbortSignal): Promise<void> {
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 5000)) {
      try {
        return await this.#client.deleteVolume(app, id, signal);
      } catch (error) {
        if (failedWith(error, 'not_found')) return;
        if (!failedWith(error, 'precondition')) throw error;
        await this.#pause(pauseMs, signal);
      }
    }
  }

  #isNew({ created_at: createdAt }: FlyVolume): boolean {
    return this.#now() - Date.parse(createdAt ?? '') < SPARE_MS; // not a number is not new
  }

  async #first(
    spec: VolumeSpec,
    here: FlyVolume[],
    neverMounted: FlyVolume[],
    signal: AbortSignal,
  ): Promise<FlyVolume> {
    const mounted = here.find((one) => !neverMounted.includes(one));
    if (mounted) throw mayHoldData(mounted.id, mounted);
    return neverMounted[0] ?? (await this.#make(spec, signal));
  }

  /** In the region, else in the first of those that may stand in for it that has room. Throws what the region itself said. */
  async #make(spec: VolumeSpec, signal: AbortSignal): Promise<FlyVolume> {
    let refusal: unknown;
    for (const region of [spec.region, ...(this.#fallbackRegions[spec.region] ?? [])]) {
      const name = region === spec.region ? NAME : STAND_IN + spec.region;
      // The machine's size: else the volume may come to a host that has no room for the machine.
      const request = { name, region, size_gb: spec.sizeGb, compute: guestOf(spec.memoryMb) };
      try {
        return await whenVisible(() => this.#client.createVolume(spec.appName, request, signal), this.#pause, signal);
      } catch (error) {
        if (!failedWith(error, 'capacity_region', 'capacity_host', 'quota')) throw error;
        refusal ??= error;
      }
    }
    throw refusal;
  }
}

const isFor = (region: string) => (volume: FlyVolume) =>
  volume.name.startsWith(STAND_IN) ? volume.name === STAND_IN + region : volume.region === region;

function known(id: string, volumes: FlyVolume[]): FlyVolume {
  const volume = volumes.find((one) => one.id === id);
  if (!volume) throw missing(`The volume ${id}`);
  return volume;
}

const byAge = (a: FlyVolume, b: FlyVolume) =>
  (a.created_at ?? '').localeCompare(b.created_at ?? '') || a.id.localeCompare(b.id);
