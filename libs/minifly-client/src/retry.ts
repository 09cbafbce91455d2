import { setTimeout as sleep } from 'node:timers/promises';
import { MachinesApiError } from './errors';

/**
 * How far a call may be repeated when it failed:
 * `always` - it does the same thing twice or the second answer tells (reads, start, stop, delete, create by a name);
 * `if_refused` - only when it certainly was not carried out (a volume's create has no name that could conflict).
 */
export type Repeatable = 'always' | 'if_refused';

export interface RetryOptions {
  /** The first try included. */
  attempts: number;
  baseMs: number;
  maxMs: number;
  random: () => number;
  sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

export const defaultRetry: RetryOptions = {
  attempts: 4,
  baseMs: 100,
  maxMs: 4000,
  random: Math.random,
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
};

/** Runs `call` and, where it is safe, again after a pause that doubles and is jittered. An aborted signal ends it at once. */
export async function withRetry<T>(
  call: () => Promise<T>,
  repeatable: Repeatable,
  signal: AbortSignal,
  options: RetryOptions = defaultRetry,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (attempt >= options.attempts || !mayRepeat(error, repeatable)) throw error;
      await options.sleep(pauseMs(error, attempt, options), signal).catch((interrupted: unknown) => {
        signal.throwIfAborted();
        throw interrupted;
      });
    }
  }
}

/** Nothing was sent, so nothing can have happened. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);

function mayRepeat(error: unknown, repeatable: Repeatable): boolean {
  if (!(error instanceof MachinesApiError)) return false;
  if (error.reason === 'rate_limited') return true;
  if (error.reason !== 'unavailable' && error.reason !== 'timeout') return false;
  if (repeatable === 'always') return true;
  const code = (error.cause as NodeJS.ErrnoException | undefined)?.code;
  return error.status === 0 && code !== undefined && NEVER_SENT.has(code);
}

function pauseMs(error: unknown, attempt: number, options: RetryOptions): number {
  const ceiling = Math.min(options.maxMs, options.baseMs * 2 ** (attempt - 1));
  const jittered = ceiling / 2 + (options.random() * ceiling) / 2;
  const asked = error instanceof MachinesApiError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(jittered, Math.min(asked, 60_000));
}
