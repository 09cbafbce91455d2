import { MachinesApiError, type MachinesApiReason } from './errors';
import { withRetry, type Repeatable, type RetryOptions } from './retry';

const failure = (reason: MachinesApiReason, more: { status?: number; code?: string; retryAfterMs?: number } = {}) =>
  new MachinesApiError(reason, {
    status: more.status ?? 503,
    body: null,
    requestId: null,
    reason,
    retryAfterMs: more.retryAfterMs,
    cause: more.code ? Object.assign(new Error(), { code: more.code }) : undefined,
  });

async function run(errors: Error[], repeatable: Repeatable, signal = new AbortController().signal) {
  const pauses: number[] = [];
  const options: RetryOptions = {
    attempts: 3,
    baseMs: 100,
    maxMs: 150,
    random: () => 0.5,
    sleep: (ms) => Promise.resolve(pauses.push(ms)),
  };
  let calls = 0;
  const call = () => {
    const error = errors[calls];
    calls += 1;
    return error === undefined ? Promise.resolve('done') : Promise.reject(error);
  };
  const result = await withRetry(call, repeatable, signal, options).catch((error: unknown) => error);
  return { result, calls, pauses };
}

describe('withRetry', () => {
  it('repeats what is safe to repeat, with pauses that double up to the limit', async () => {
    const { result, calls, pauses } = await run([failure('unavailable'), failure('timeout')], 'always');
    expect(result).toBe('done');
    expect(calls).toBe(3);
    expect(pauses).toEqual([75, 112.5]);
  });

  it('gives the last error when the attempts are used up', async () => {
    const last = failure('unavailable');
    const { result, calls } = await run([failure('unavailable'), failure('unavailable'), last], 'always');
    expect(result).toBe(last);
    expect(calls).toBe(3);
  });

  it.each(['not_found', 'conflict', 'precondition', 'bad_request', 'name_taken', 'capacity_region'] as const)(
    'never repeats after %s',
    async (reason) => {
      const { calls } = await run([failure(reason)], 'always');
      expect(calls).toBe(1);
    },
  );

  it('repeats an unsafe call only when it was refused or never sent', async () => {
    expect((await run([failure('unavailable', { status: 502 })], 'if_refused')).calls).toBe(1);
    expect((await run([failure('unavailable', { status: 0, code: 'ECONNRESET' })], 'if_refused')).calls).toBe(1);
    expect((await run([failure('unavailable', { status: 0, code: 'ECONNREFUSED' })], 'if_refused')).calls).toBe(2);
    expect((await run([failure('rate_limited', { status: 429 })], 'if_refused')).calls).toBe(2);
  });

  it('waits as long as the server asked for', async () => {
    expect((await run([failure('rate_limited', { retryAfterMs: 2000 })], 'always')).pauses).toEqual([2000]);
  });

  it('ends with the reason of an aborted signal', async () => {
    const { result, calls } = await run([], 'always', AbortSignal.abort(new Error('given up')));
    expect(result).toEqual(new Error('given up'));
    expect(calls).toBe(0);
  });
});
