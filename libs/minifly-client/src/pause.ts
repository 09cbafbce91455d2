import { setTimeout as sleep } from 'node:timers/promises';

/** Waits so long; an aborted signal throws its reason. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

export const realPause: Pause = (ms, signal) => sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
