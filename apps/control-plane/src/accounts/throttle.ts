import type { Clock } from '@app/common/time/clock';
import { LRUCache } from 'lru-cache';
import { isIPv6 } from 'node:net';

const MAX_KEYS = 50_000;

interface Count {
  used: number;
  endsAt: number;
}

/**
 * Counts attempts by a key in windows that begin with the first one. An attempt is counted before it is made, so that many at once
 * cannot slip past the limit, and given back when it turns out not to count. A limit of 0 counts nothing. Memory is bounded.
 */
export class Throttle {
  private readonly counts = new LRUCache<string, Count>({ max: MAX_KEYS });

  constructor(
    private readonly limit: number,
    private readonly windowMs: number,
    private readonly clock: Clock,
  ) {}

  /** Takes one attempt: 0, or the seconds until the next one is allowed, and then nothing is taken. */
  take(key: string): number {
    if (this.limit === 0) return 0;
    const now = this.clock.now();
    const count = this.current(key) ?? { used: 0, endsAt: now + this.windowMs };
    if (count.used >= this.limit) return Math.ceil((count.endsAt - now) / 1000);
    count.used += 1;
    this.counts.set(key, count);
    return 0;
  }

  giveBack(key: string): void {
    const count = this.current(key);
    if (count && count.used > 0) count.used -= 1;
  }

  clear(key: string): void {
    this.counts.delete(key);
  }

  private current(key: string): Count | undefined {
    const count = this.counts.get(key);
    return count && count.endsAt > this.clock.now() ? count : undefined;
  }
}

/** What counts as one address: of IPv6 the /64, because that is what one customer gets. */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1]) return mapped[1];
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':');
    groups.push(...Array<string>(Math.max(0, 8 - groups.length - last.length)).fill('0'), ...last);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
