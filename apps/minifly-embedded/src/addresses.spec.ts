import { loopbackAddress, newAddress } from './addresses';
import type { Store } from './store';

/** Counters as the store keeps them: the first number is given as asked, then one more each time. */
function counters(first?: number) {
  const values = new Map<string, number>();
  return {
    nextNumber: (name: string, start: number) => {
      const next = values.has(name) ? (values.get(name) ?? 0) + 1 : (first ?? start);
      values.set(name, next);
      return next;
    },
  } as unknown as Store; // all that an address asks of it
}

describe('addresses of machines', () => {
  it.each([
    [1, null],
    [255, null],
    [256, null],
    [257, '127.0.1.1'],
    [511, null],
    [0x123456, '127.18.52.86'],
    [0xfffffe, '127.255.255.254'],
  ])('the number %i is %s', (n, address) => {
    expect(loopbackAddress(n)).toBe(address);
  });

  it('ends with a sentence when all have been given', () => {
    expect(() => loopbackAddress(1 << 24)).toThrow('Start with a new state directory');
  });

  it('skips what is not for machines and gives none twice', () => {
    const store = counters(250);
    const given = Array.from({ length: 1000 }, () => newAddress(store, 'linux').ip);
    expect(given[0]).toBe('127.0.1.1');
    expect(new Set(given).size).toBe(1000);
    expect(given.filter((ip) => /\.(0|255)$/.test(ip))).toEqual([]);
  });

  it('gives ports instead where there is one loopback address', () => {
    const store = counters();
    const [first, second] = [newAddress(store, 'darwin'), newAddress(store, 'darwin')];
    expect(first).toEqual({ ip: '127.0.0.1', port: expect.any(Number) as unknown });
    expect(second.port).toBe((first.port ?? 0) + 1);
  });
});
