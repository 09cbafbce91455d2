import { closeSync, copyFileSync, existsSync, fstatSync, openSync, readSync, statSync, truncateSync } from 'node:fs';

/** One file of this size at most, and the one before it: what a machine's log takes on disk, give or take a moment's output. */
export const LOG_BYTES = 1024 * 1024;

/**
 * Keeps a log within its bounds. The process itself appends to the file, so that it is copied and emptied rather than renamed;
 * lines written between the two are lost, and that is the price of keeping the output out of the platform.
 */
export function boundLog(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= LOG_BYTES) return;
  // A flood is not worth copying whole.
  if (size <= 4 * LOG_BYTES) copyFileSync(file, `${file}.1`);
  truncateSync(file);
}

/** The end of what a machine wrote, the file before included. */
export function readLog(file: string, bytes: number): string {
  const current = tail(file, bytes);
  const before = current.length < bytes ? tail(`${file}.1`, bytes - current.length) : Buffer.alloc(0);
  return Buffer.concat([before, current]).toString('utf8');
}

function tail(file: string, bytes: number): Buffer {
  if (!existsSync(file)) return Buffer.alloc(0);
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    const wanted = Math.min(size, bytes);
    const buffer = Buffer.alloc(wanted);
    const read = readSync(handle, buffer, 0, wanted, size - wanted);
    return buffer.subarray(0, read);
  } finally {
    closeSync(handle);
  }
}
