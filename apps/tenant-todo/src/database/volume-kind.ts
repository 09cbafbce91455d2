import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VolumeError } from './volume-error';

/** A plain directory, or the data of a LiteFS. */
export type VolumeKind = 'plain' | 'litefs';

export const VOLUME_KIND_FILE = 'volume.kind';

/**
 * Compares the volume's mark with the kind that this machine is configured for, before a database is opened. A plain volume
 * without a mark gets one; a volume of LiteFS has got it before LiteFS was started (docker/litefs-mount.sh). Throws `VolumeError`:
 * to change the kind is an export and an import, never a start.
 */
export function assertVolumeKind(dataDir: string, wanted: VolumeKind): void {
  const kind = readKind(dataDir);
  if (kind === wanted) return;
  if (kind === null && wanted === 'plain') return writeKind(dataDir, wanted);
  const found = kind === null ? 'has no mark' : `is of the kind "${kind}"`;
  throw new VolumeError(
    `The volume ${dataDir} ${found}, and this machine is configured for "${wanted}". Nothing was opened; ` +
      'start it as it was, or export its to-dos there and import them into a machine of the other kind.',
  );
}

function readKind(dataDir: string): string | null {
  try {
    return readFileSync(join(dataDir, VOLUME_KIND_FILE), 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Whole or not at all, also after a power cut. */
function writeKind(dataDir: string, kind: VolumeKind): void {
  const file = join(dataDir, VOLUME_KIND_FILE);
  writeFileSync(`${file}.new`, `${kind}\n`, { flush: true });
  renameSync(`${file}.new`, file);
  const directory = openSync(dataDir, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
