import { countedAs, RateLimits } from './rate-limits';

/** Time that passes only when somebody sleeps: all who sleep wake in the order of their time. */
class FakeTime {
  at = 0;
  private readonly sleeping: { until: number; wake: () => void }[] = [];

  now = () => this.at;
  sleep = (ms: number, signal: AbortSignal) =>
    new Promise<void>((wake, fail) => {
      signal.addEventListener('abort', () => fail(signal.reason as Error));
      this.sleeping.push({ until: this.at + ms, wake });
    });

  /** Until nobody sleeps any more. */
  async pass(): Promise<void> {
    await settled();
    while (this.sleeping.length > 0) {
      this.sleeping.sort((a, b) => a.until - b.until);
      const next = this.sleeping.shift();
      this.at = Math.max(this.at, next?.until ?? 0);
      next?.wake();
      await settled();
    }
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const start = (id: string) => ({ method: 'POST', path: `/apps/a/machines/${id}/start` });

describe('RateLimits', () => {
  const signal = new AbortController().signal;
  let time: FakeTime;
  let limits: RateLimits;

  beforeEach(() => {
    time = new FakeTime();
    limits = new RateLimits(time);
  });

  /** When each of so many calls at once was let through. */
  async function timesOf(count: number, call: { method: string; path: string }): Promise<number[]> {
    const times: number[] = [];
    const taking = Array.from({ length: count }, () => limits.take(call, signal).then(() => times.push(time.at)));
    await time.pass();
    await Promise.all(taking);
    return times;
  }

  it('lets three through at once and then one a second', async () => {
    expect(await timesOf(5, start('m'))).toEqual([0, 0, 0, 1000, 2000]);
  });

  it('reads a machine five times a second, after ten at once', async () => {
    const times = await timesOf(12, { method: 'GET', path: '/apps/a/machines/m' });
    expect(times.slice(0, 10).every((at) => at === 0)).toBe(true);
    expect(times.slice(10)).toEqual([200, 400]);
  });

  it('counts apps that are deleted together', async () => {
    const taking = Array.from({ length: 11 }, (_, n) => limits.take({ method: 'DELETE', path: `/apps/a${n}` }, signal));
    await time.pass();
    await Promise.all(taking);
    expect(time.at).toBe(600);
  });

  it('fills up again with time, to no more than the burst', async () => {
    await timesOf(3, start('m'));
    time.at += 60_000;
    expect((await timesOf(4, start('m'))).map((at) => at - 60_000)).toEqual([0, 0, 0, 1000]);
  });

  it('does not let one machine, or one action, wait for another', async () => {
    await timesOf(3, start('m'));
    expect(await timesOf(1, start('n'))).toEqual([0]);
    expect(await timesOf(1, { method: 'POST', path: '/apps/a/machines/m/stop' })).toEqual([0]);
    expect(await timesOf(1, start('m'))).toEqual([1000]);
  });

  it('lets those who wait go in turn, and one who gives up takes nothing from them', async () => {
    await timesOf(3, start('m'));
    const givingUp = new AbortController();
    const order: string[] = [];
    const first = limits.take(start('m'), givingUp.signal).catch(() => order.push('gave up'));
    const second = limits.take(start('m'), signal).then(() => order.push(`second at ${time.at}`));
    await settled();
    givingUp.abort(new Error('no time left'));
    await first;
    expect(order).toEqual(['gave up']); // at once, not when its turn had come
    await time.pass();
    await second;
    expect(order).toEqual(['gave up', 'second at 1000']);
    await expect(limits.take(start('m'), AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  });
});

describe('countedAs', () => {
  it.each([
    ['POST', '/apps', 'POST apps of /'],
    ['GET', '/apps/a', 'GET apps of a/'],
    ['POST', '/apps/a/machines', 'POST machines of a/'],
    ['POST', '/apps/a/machines/m', 'POST machines of a/m'],
    ['GET', '/apps/a/machines/m/wait', 'GET machines wait of a/m'],
    ['POST', '/apps/a/machines/m/metadata/k', 'POST machines metadata k of a/m'],
    ['GET', '/apps/a/volumes/v', 'GET volumes of a/v'],
    ['DELETE', '/apps/a', 'DELETE apps'],
  ])('%s %s is %s', (method, path, key) => {
    expect(countedAs({ method, path }).key).toBe(key);
  });
});
