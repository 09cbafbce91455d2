import type { IncomingMessage } from 'node:http';
import { ApiError } from './api-error';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Who may talk to a platform that listens on a port, where there is no token: programs of this computer. A page in its browser
 * is turned away: by its Origin, and, if it made a name of its own point here, by the Host. Throws a 403.
 */
export function requireLocal(request: IncomingMessage): void {
  const { host, origin } = request.headers;
  if (!isLoopback(`http://${host ?? ''}`)) throw new ApiError(403, `foreign Host ${JSON.stringify(host ?? '')}`);
  if (origin !== undefined && !isOwnOrigin(origin, host ?? '')) {
    throw new ApiError(403, `foreign Origin ${JSON.stringify(origin)}`);
  }
  if (request.headers['sec-fetch-site'] === 'cross-site') throw new ApiError(403, 'a request from another site');
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && LOOPBACK.has(new URL(url).hostname);
}

/** Another port of this computer may be anybody's page: only the very address that was asked. */
function isOwnOrigin(origin: string, host: string): boolean {
  return origin === `http://${host}`;
}
