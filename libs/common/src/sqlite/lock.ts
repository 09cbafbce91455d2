import Database from 'better-sqlite3';
import { setTimeout as sleep } from 'node:timers/promises';

/** Held until `release`, or until the process ends in whatever way: the kernel frees it. */
export interface FileLock {
  release(): void;
}

/** Takes the lock at once or gives null. `file` is a lock file of its own, never the database that it stands for. */
export function tryLock(file: string): FileLock | null {
  const db = new Database(file, { timeout: 0 });
  try {
    db.pragma('journal_mode = MEMORY'); // no journal file beside the lock file
    db.pragma('locking_mode = EXCLUSIVE');
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (isBusy(error)) return null;
    throw error;
  }
  return { release: () => db.close() };
}

export interface WaitForLockOptions {
  /** Called once, when the lock is somebody else's at the first look. */
  onWait?: () => void;
  signal?: AbortSignal;
  pollMs?: number;
}

/** Waits until the lock is free and takes it. Rejects with the signal's reason when that is aborted first. */
export async function waitForLock(file: string, options: WaitForLockOptions = {}): Promise<FileLock> {
  for (let tries = 0; ; tries += 1) {
    options.signal?.throwIfAborted();
    const lock = tryLock(file);
    if (lock) return lock;
    if (tries === 0) options.onWait?.();
    await sleep(options.pollMs ?? 100, undefined, { signal: options.signal });
  }
}

/** By code, not by class: the addon makes its errors of the class that the first of several contexts (Jest's, workers') gave it. */
function isBusy(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && code.startsWith('SQLITE_BUSY');
}
