import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Where a request comes from, as far as it can be believed. */
export interface Origin {
  address: string;
  isSecure: boolean;
}

/** Decides who is believed about `X-Forwarded-For` and `X-Forwarded-Proto`: the addresses and CIDR ranges of TRUSTED_PROXIES. */
export class TrustedProxies {
  private readonly trusted = new BlockList();
  private readonly isEmpty: boolean;

  constructor(entries: readonly string[]) {
    this.isEmpty = entries.length === 0;
    for (const entry of entries) {
      const [address = '', bits] = entry.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.trusted.addAddress(address, family);
      else this.trusted.addSubnet(address, Number(bits), family);
    }
  }

  /** The rightmost address that is not a trusted proxy's own, and the scheme that the proxy it came to was spoken to with. */
  originOf(request: IncomingMessage): Origin {
    const peer = plainAddress(request.socket.remoteAddress ?? '');
    if (this.isEmpty || !this.trusts(peer)) return { address: peer, isSecure: false };

    const hops = listOf(request.headers['x-forwarded-for']);
    let address = peer;
    let passed = 0;
    while (this.trusts(address) && hops.length > 0) {
      passed++;
      const next = plainAddress(hops.pop() as string);
      if (isIP(next) === 0) break;
      address = next;
    }
    const schemes = listOf(request.headers['x-forwarded-proto']);
    const scheme = schemes[Math.max(0, schemes.length - Math.max(1, passed))];
    return { address, isSecure: scheme?.toLowerCase() === 'https' };
  }

  private trusts(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.trusted.check(address, version === 6 ? 'ipv6' : 'ipv4');
  }
}

function listOf(header: string | string[] | undefined): string[] {
  if (!header) return [];
  return (typeof header === 'string' ? header : header.join(',')).split(',').map((part) => part.trim());
}

/** Without the port, the brackets and the IPv4-in-IPv6 prefix that some put around an address. */
function plainAddress(written: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(written);
  const address = bracketed?.[1] ?? written;
  if (address.startsWith('::ffff:') && isIP(address.slice(7)) === 4) return address.slice(7);
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(address);
  return withPort?.[1] ?? address;
}
