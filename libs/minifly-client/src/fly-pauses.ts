import { isNotVisibleYet } from './errors';
import type { Pause } from './pause';

/** Fly needs some seconds until everybody there knows of a new app; after these it has not come to be. */
export const VISIBLE_PAUSES_MS = [1000, 2000, 4000, 8000, 16_000] as const;

/** A call about an app that may be new: repeated while the app is said not to exist. */
export async function whenVisible<T>(call: () => Promise<T>, pause: Pause, signal: AbortSignal): Promise<T> {
  for (const ms of VISIBLE_PAUSES_MS) {
    try {
      return await call();
    } catch (error) {
      if (!isNotVisibleYet(error)) throw error;
      await pause(ms, signal);
    }
  }
  return call();
}
