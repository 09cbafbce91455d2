import { randomInt } from 'node:crypto';
import type { Store } from './store';

export interface MachineAddress {
  ip: string;
  /** Null where the machine has an address of its own and so keeps the port it was configured with. */
  port: number | null;
}

const FIRST_PORT = 20_000;
const LAST_PORT = 60_000;

/**
 * An address for a machine's whole life, never given to another: on Linux one of 127.0.0.0/8, all of which is loopback there;
 * elsewhere 127.0.0.1 with a port. Each state directory starts at a random place, so that two platforms on one computer do
 * not meet.
 */
export function newAddress(store: Store, platform: NodeJS.Platform = process.platform): MachineAddress {
  if (platform !== 'linux') {
    const port = store.nextNumber('port', randomInt(FIRST_PORT, LAST_PORT - 10_000));
    if (port > LAST_PORT) throw new Error('Every port has been given to a machine. Start with a new state directory.');
    return { ip: '127.0.0.1', port };
  }
  for (;;) {
    const ip = loopbackAddress(store.nextNumber('address', randomInt(1 << 8, 1 << 23)));
    if (ip) return { ip, port: null };
  }
}

/** The n-th address of 127.0.0.0/8; null for those that are not for machines: 127.0.0.x, and the ends of each 256. */
export function loopbackAddress(n: number): string | null {
  if (n >= 1 << 24)
    throw new Error('Every loopback address has been given to a machine. Start with a new state directory.');
  const [high, middle, low] = [n >> 16, (n >> 8) & 255, n & 255];
  return (high === 0 && middle === 0) || low === 0 || low === 255 ? null : `127.${high}.${middle}.${low}`;
}
