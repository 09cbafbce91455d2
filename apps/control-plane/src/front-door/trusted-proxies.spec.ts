import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { TrustedProxies } from './trusted-proxies';

function from(peer: string, headers: IncomingHttpHeaders = {}): IncomingMessage {
  return { socket: { remoteAddress: peer }, headers } as IncomingMessage; // all that is looked at
}

describe('TrustedProxies', () => {
  const proxies = new TrustedProxies(['10.0.0.0/8', '192.0.2.7', 'fd00::/8']);

  it.each<[string, string, string | undefined, string]>([
    ['believes nobody else', '198.51.100.1', '6.6.6.6', '198.51.100.1'],
    ['takes what a trusted proxy says', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['takes the rightmost of several, however many were forged', '10.0.0.1', '6.6.6.6, 203.0.113.9', '203.0.113.9'],
    ['passes over trusted proxies in between', '10.0.0.1', '6.6.6.6, 203.0.113.9, 192.0.2.7, 10.9.9.9', '203.0.113.9'],
    ['stops at what is no address', '10.0.0.1', '6.6.6.6, unknown', '10.0.0.1'],
    ['stays with the proxy that says nothing', '10.0.0.1', undefined, '10.0.0.1'],
    ['takes the last one where all are trusted', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['sees an IPv4 address through IPv6', '::ffff:10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
    ['cuts off ports', '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
    ['cuts off brackets', 'fd00::1', '[2001:db8::9]:4711', '2001:db8::9'],
  ])('%s', (_what, peer, forwarded, address) => {
    expect(proxies.originOf(from(peer, { 'x-forwarded-for': forwarded })).address).toBe(address);
  });

  it.each<[string, string, IncomingHttpHeaders, boolean]>([
    ['nobody else', '198.51.100.1', { 'x-forwarded-proto': 'https' }, false],
    ['a trusted proxy', '10.0.0.1', { 'x-forwarded-proto': 'https' }, true],
    ['a trusted proxy that saw HTTP', '10.0.0.1', { 'x-forwarded-proto': 'http' }, false],
    ['the hop of the client, not one before it', '10.0.0.1', { 'x-forwarded-proto': 'https, http' }, false],
    [
      'the proxy that the client spoke to, two hops away',
      '10.0.0.1',
      { 'x-forwarded-for': '203.0.113.9, 10.0.0.2', 'x-forwarded-proto': 'https, http' },
      true,
    ],
  ])('believes %s about HTTPS', (_who, peer, headers, isSecure) => {
    expect(proxies.originOf(from(peer, headers)).isSecure).toBe(isSecure);
  });

  it('believes nobody where none is named', () => {
    const origin = new TrustedProxies([]).originOf(
      from('127.0.0.1', { 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https' }),
    );
    expect(origin).toEqual({ address: '127.0.0.1', isSecure: false });
  });
});
