import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@app/common/time/clock';
import { absent, invalid, refusedNow } from './api-error';
import { newVolumeId } from './ids';
import { isWhole, object } from './machine-request';
import { parseRegion } from './regions';
import type { VolumeRecord } from './records';
import type { Store } from './store';

const DEFAULT_SIZE_GB = 3;
const MAX_SIZE_GB = 500;
/** Ends the name of a directory whose copying is not finished. */
const COPYING = '.copying';

/**
 * Volumes: a row, and a directory whose content is the machine's alone. A volume whose directory is gone is gone: nothing here
 * ever makes an empty directory in the place of a full one.
 */
export class Volumes {
  readonly #root: string;
  /** Sources of forks that are being copied. */
  readonly #beingCopied = new Set<string>();

  constructor(
    private readonly store: Store,
    stateDir: string,
    private readonly clock: Clock,
    /** Whether a machine's process runs. */
    private readonly isInUse: (machineId: string) => boolean,
  ) {
    this.#root = join(stateDir, 'volumes');
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
  }

  /** An empty one, or with `source_volume_id` a copy of another one of the app, which no machine may be using meanwhile. */
  async create(appName: string, body: unknown): Promise<VolumeRecord> {
    const request = object(body, 'the body');
    // Making an empty volume where a restored one was meant would be worse than refusing.
    if (request['snapshot_id'] !== undefined) throw invalid('snapshot_id: this platform keeps no snapshots');
    const sourceId = request['source_volume_id'];
    if (sourceId === undefined) return this.#createEmpty(this.#newRecord(appName, request));
    if (typeof sourceId !== 'string') throw invalid('source_volume_id should be a text');
    const source = this.get(appName, sourceId);
    const { name, region, sizeGb } = source;
    return this.#fork(source, this.#newRecord(appName, { name, region, size_gb: sizeGb, ...request }));
  }

  /** A 412 for a size below the present one; repeating it changes nothing. */
  extend(appName: string, id: string, body: unknown): VolumeRecord {
    const volume = this.get(appName, id);
    const { size_gb: sizeGb } = object(body, 'the body');
    if (!isWhole(sizeGb, 1, MAX_SIZE_GB)) throw invalid(`size_gb should be 1 to ${MAX_SIZE_GB}`);
    if (sizeGb < volume.sizeGb) throw refusedNow(`volume ${id} has ${volume.sizeGb} GB and cannot shrink`);
    this.store.resizeVolume(id, sizeGb);
    return { ...volume, sizeGb };
  }

  #newRecord(appName: string, request: Record<string, unknown>): VolumeRecord {
    const { name, region, size_gb: sizeGb = DEFAULT_SIZE_GB } = request;
    if (typeof name !== 'string' || !/^[a-z0-9_]{1,30}$/.test(name)) {
      throw invalid('name: up to 30 lowercase letters, digits and underscores');
    }
    if (!isWhole(sizeGb, 1, MAX_SIZE_GB)) throw invalid(`size_gb should be 1 to ${MAX_SIZE_GB}`);
    return { id: newVolumeId(), appName, name, region: parseRegion(region), sizeGb, createdAt: this.clock.now() };
  }

  #createEmpty(volume: VolumeRecord): VolumeRecord {
    // The directory first: a crash in between leaves an empty one without a row, which the next start removes.
    mkdirSync(this.directory(volume.id), { mode: 0o700 });
    syncDirectory(this.#root);
    this.store.insertVolume(volume);
    return volume;
  }

  async #fork(source: VolumeRecord, volume: VolumeRecord): Promise<VolumeRecord> {
    if (volume.sizeGb < source.sizeGb) throw invalid(`size_gb should be at least that of the source, ${source.sizeGb}`);
    // Files, not blocks, are copied here: what is written meanwhile would be half in the copy. Fly needs no such refusal.
    const user = this.store.machineOfVolume(source.id);
    if (user && this.isInUse(user.id)) throw refusedNow(`volume ${source.id} is in use by machine: ${user.id}`);
    const unfinished = this.directory(volume.id) + COPYING;
    this.#beingCopied.add(source.id);
    try {
      await cp(this.directory(source.id), unfinished, { recursive: true, preserveTimestamps: true });
      renameSync(unfinished, this.directory(volume.id));
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true });
      throw error;
    } finally {
      this.#beingCopied.delete(source.id);
    }
    if (!this.store.app(volume.appName)) {
      rmSync(this.directory(volume.id), { recursive: true, force: true }); // the app was deleted meanwhile
      throw absent('app');
    }
    syncDirectory(this.#root);
    this.store.insertVolume(volume);
    return volume;
  }

  list(appName: string): VolumeRecord[] {
    return this.store.volumes(appName).filter(({ id }) => existsSync(this.directory(id)));
  }

  get(appName: string, id: string): VolumeRecord {
    const volume = this.store.volume(appName, id);
    if (!volume || !existsSync(this.directory(id))) throw absent('volume');
    return volume;
  }

  /** Refused while a machine has it, a stopped one too. */
  delete(appName: string, id: string): VolumeRecord {
    const volume = this.store.volume(appName, id);
    if (!volume) throw absent('volume');
    const machine = this.store.machineOfVolume(id);
    if (machine) throw refusedNow(`volume is currently bound to machine: ${machine.id}`);
    if (this.#beingCopied.has(id)) throw refusedNow(`volume ${id} is being forked`);
    this.#remove(volume);
    return volume;
  }

  deleteAll(appName: string): void {
    for (const volume of this.store.volumes(appName)) this.#remove(volume);
  }

  /** The directory of a volume that a machine is about to use; a 412 where it is gone. */
  requireDirectory(id: string): string {
    const directory = this.directory(id);
    if (!existsSync(directory)) throw refusedNow(`volume ${id} not found`);
    if (this.#beingCopied.has(id)) throw refusedNow(`volume ${id} is being forked`);
    return directory;
  }

  directory(id: string): string {
    return join(this.#root, id);
  }

  /** Finishes what a killed platform left half done. */
  repair(): void {
    for (const volume of this.store.volumesBeingDeleted()) this.#remove(volume);
    for (const name of readdirSync(this.#root)) {
      if (name.endsWith(COPYING)) rmSync(join(this.#root, name), { recursive: true, force: true });
      else if (!this.store.hasVolume(name)) removeIfEmpty(join(this.#root, name));
    }
  }

  #remove(volume: VolumeRecord): void {
    this.store.markVolumeDeleting(volume.id);
    rmSync(this.directory(volume.id), { recursive: true, force: true });
    this.store.removeVolume(volume.id);
  }
}

/** A directory of ours without a row is one whose creation was cut short, and then empty. One with content stays: data is never guessed away. */
function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // not empty, or no directory
  }
}

function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
