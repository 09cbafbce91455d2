import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';

/** What Docker Desktop calls the machine that its containers run on; plain Docker on Linux knows no such name. */
const HOST_NAME = 'host.docker.internal';

/**
 * The URL with the host's address in the place of `host.docker.internal` where that name is not known: in a container on plain Linux the
 * host is the default gateway. `resolves` and `routes` (the text of /proc/net/route) stand in for the machine in tests.
 */
export async function reachableFromContainer(url: string, resolves = isKnown, routes?: string): Promise<string> {
  const parsed = new URL(url);
  if (parsed.hostname !== HOST_NAME || (await resolves(HOST_NAME))) return url;
  const gateway = defaultGateway(routes ?? readOrEmpty('/proc/net/route'));
  if (!gateway) return url;
  parsed.hostname = gateway;
  return parsed.href.replace(/\/$/, '');
}

/** Of each line: interface, destination, gateway, …; addresses as eight hex digits, the last byte first. The default route goes to 0. */
function defaultGateway(routes: string): string | null {
  for (const line of routes.split('\n').slice(1)) {
    const [, destination, gateway = ''] = line.split('\t');
    const bytes = gateway.match(/../g);
    if (destination !== '00000000' || gateway === '00000000' || bytes?.length !== 4) continue;
    return bytes
      .reverse()
      .map((byte) => parseInt(byte, 16))
      .join('.');
  }
  return null;
}

async function isKnown(name: string): Promise<boolean> {
  return lookup(name).then(
    () => true,
    () => false,
  );
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
