import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
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

/**
 * Volumes: a row, and a directory whose content is the machine's alone. A volume whose directory is gone is gone: nothing here
 * ever makes an empty directory in the place of a full one.
 */
export class Volumes {
  readonly #root: string;

  constructor(
    private readonly store: Store,
    stateDir: string,
    private readonly clock: Clock,
  ) {
    this.#root = join(stateDir, 'volumes');
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
  }

  create(appName: string, body: unknown): VolumeRecord {
    const { name, region, size_gb: sizeGb = DEFAULT_SIZE_GB } = object(body, 'the body');
    if (typeof name !== 'string' || !/^[a-z0-9_]{1,30}$/.test(name)) {
      throw invalid('name: up to 30 lowercase letters, digits and underscores');
    }
    if (!isWhole(sizeGb, 1, MAX_SIZE_GB)) throw invalid(`size_gb should be 1 to ${MAX_SIZE_GB}`);
    const createdAt = this.clock.now();
    const volume = { id: newVolumeId(), appName, name, region: parseRegion(region), sizeGb, createdAt };
    // The directory first: a crash in between leaves an empty one without a row, which the next start removes.
    mkdirSync(this.directory(volume.id), { mode: 0o700 });
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
    return directory;
  }

  directory(id: string): string {
    return join(this.#root, id);
  }

  /** Finishes what a killed platform left half done. */
  repair(): void {
    for (const volume of this.store.volumesBeingDeleted()) this.#remove(volume);
    for (const name of readdirSync(this.#root)) {
      if (!this.store.hasVolume(name)) removeIfEmpty(join(this.#root, name));
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
