import type { IncomingHttpHeaders } from 'node:http';

/** What a tenant may say about its answer. Everything else is dropped: cookies, and all that acts on the control plane's own origin. */
const PASS = [
  'content-type',
  'content-length',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-range',
  'accept-ranges',
  'allow',
  'etag',
  'last-modified',
  'retry-after',
  'idempotency-replayed',
] as const;

/**
 * The headers of a proxied answer. A tenant's document is sandboxed and never read as another type; a browser may keep it for the person
 * it is for, but asks each time.
 */
export function answerHeaders(status: number, tenant: IncomingHttpHeaders, requestId: string): string[] {
  const list = [
    'X-Request-Id',
    requestId,
    'X-Content-Type-Options',
    'nosniff',
    'Content-Security-Policy',
    "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    'Cross-Origin-Resource-Policy',
    'same-origin',
    'Referrer-Policy',
    'same-origin',
    'Cache-Control',
    'private, no-cache',
    'Vary',
    'Cookie',
  ];
  for (const name of PASS) {
    const value = tenant[name];
    if (value === undefined) continue;
    if (name === 'content-length' && (status === 204 || status === 304)) continue;
    list.push(name, typeof value === 'string' ? value : (value[0] ?? ''));
  }
  return list;
}

/** The headers of a proxied 101: what the two sides agreed on, and nothing else. */
export function webSocketHeaders(tenant: IncomingHttpHeaders, requestId: string): string[] {
  const list = ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'X-Request-Id', requestId];
  for (const name of ['sec-websocket-accept', 'sec-websocket-protocol', 'sec-websocket-extensions']) {
    const value = tenant[name];
    if (value !== undefined) list.push(name, String(value));
  }
  return list;
}

export function isEventStream(tenant: IncomingHttpHeaders): boolean {
  return tenant['content-type']?.toLowerCase().startsWith('text/event-stream') ?? false;
}
