import type { IncomingMessage } from 'node:http';

const BEARER = /^bearer(?: +|$)/i;

/**
 * What came as `Authorization: Bearer`, null where none did. Only the API takes tokens; elsewhere the header means nothing,
 * and other schemes are those of a reverse proxy.
 */
export function readBearerToken(request: IncomingMessage): string | null {
  const { authorization } = request.headers;
  if (authorization === undefined || !isApi(request.url ?? '')) return null;
  const scheme = BEARER.exec(authorization);
  return scheme && authorization.slice(scheme[0].length).trim();
}

/** Express routes without regard to case; so does this, or a token would be overlooked where a cookie counts. */
function isApi(url: string): boolean {
  return url.slice(0, 8).toLowerCase() === '/api/v1/';
}
