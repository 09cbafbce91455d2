import { setTimeout as sleep } from 'node:timers/promises';

export interface Rate {
  perSecond: number;
  burst: number;
}

/** What the Machines API counts as one thing: an action, and the machine, volume or app that it is about. */
export interface CountedCall {
  method: string;
  /** Under `/v1`, without the query. */
  path: string;
}

export interface RateLimitTools {
  /** Milliseconds that never go back. */
  now: () => number;
  sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/** Fly's documented limits: each action on each machine or app once a second, three at once; a machine is read five times as often. */
const USUAL: Rate = { perSecond: 1, burst: 3 };
const GET_MACHINE: Rate = { perSecond: 5, burst: 10 };
/** Deleting apps is counted for all of them together: a hundred a minute. */
const DELETE_APP: Rate = { perSecond: 100 / 60, burst: 10 };

const SWEEP_AT = 1000;

interface Bucket {
  rate: Rate;
  tokens: number;
  countedAt: number;
  /** Settles when the last one in the queue has gone. */
  lastTurn: Promise<void>;
  waiting: number;
}

/**
 * Keeps to the limits of Fly's Machines API by itself, so that no call is refused for them: a bucket of tokens for each action and
 * identifier, and who finds it empty waits in line.
 */
export class RateLimits {
  readonly #buckets = new Map<string, Bucket>();
  readonly #tools: RateLimitTools;

  constructor(
    tools: RateLimitTools = { now: () => performance.now(), sleep: (ms, signal) => sleep(ms, undefined, { signal }) },
  ) {
    this.#tools = tools;
  }

  /** Resolves when the call may be sent. An aborted signal throws its reason at once and takes no token. */
  async take(call: CountedCall, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const bucket = this.#bucketOf(call);
    bucket.waiting += 1;
    const turn = bucket.lastTurn.then(() => this.#spend(bucket, signal));
    bucket.lastTurn = turn.catch(() => undefined).finally(() => (bucket.waiting -= 1));
    await unlessAborted(turn, signal);
  }

  async #spend(bucket: Bucket, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#refill(bucket);
    // A timer may fire a little early, so it is counted again.
    while (bucket.tokens < 1) {
      const ms = ((1 - bucket.tokens) / bucket.rate.perSecond) * 1000;
      await this.#tools.sleep(Math.ceil(ms), signal);
      this.#refill(bucket);
    }
    bucket.tokens -= 1;
  }

  #refill(bucket: Bucket): void {
    const now = this.#tools.now();
    const { perSecond, burst } = bucket.rate;
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.countedAt) / 1000) * perSecond);
    bucket.countedAt = now;
  }

  #bucketOf(call: CountedCall): Bucket {
    const { key, rate } = countedAs(call);
    const known = this.#buckets.get(key);
    if (known) return known;
    if (this.#buckets.size >= SWEEP_AT) this.#sweep();
    const bucket: Bucket = {
      rate,
      tokens: rate.burst,
      countedAt: this.#tools.now(),
      lastTurn: Promise.resolve(),
      waiting: 0,
    };
    this.#buckets.set(key, bucket);
    return bucket;
  }

  /** A full bucket that nobody waits for is as good as none. */
  #sweep(): void {
    for (const [key, bucket] of this.#buckets) {
      this.#refill(bucket);
      if (bucket.waiting === 0 && bucket.tokens >= bucket.rate.burst) this.#buckets.delete(key);
    }
  }
}

/** Which bucket a call is counted in. `/apps/a/machines/m/start`: the action `POST machines start` on `m`. */
export function countedAs({ method, path }: CountedCall): { key: string; rate: Rate } {
  const [, , app = '', noun = '', id = '', ...verb] = path.split('/');
  if (method === 'DELETE' && app && !noun) return { key: 'DELETE apps', rate: DELETE_APP };
  const action = [method, noun || 'apps', ...verb].join(' ');
  const isGetMachine = method === 'GET' && noun === 'machines' && id !== '' && verb.length === 0;
  const identifier = id ? `${app}/${id}` : `${app}/`;
  return { key: `${action} of ${identifier}`, rate: isGetMachine ? GET_MACHINE : USUAL };
}

function unlessAborted(turn: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    // What aborts a signal may be anything; an error of ours would hide it.
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    turn.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
