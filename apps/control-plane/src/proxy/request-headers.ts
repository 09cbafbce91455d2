import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { RequestContext } from '../front-door/request-context';
import type { Route } from '../gates/admission';

/** Carry no identity and belong to the message itself; looked up first, because nearly every header is one of these. */
const PASS = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-type',
  'if-match',
  'if-unmodified-since',
  'idempotency-key',
  'last-event-id',
  'origin',
  'pragma',
  'referer',
  'user-agent',
]);

/** For this hop, or ours to set, or a claim about who and where the client is. */
const DROP = new Set([
  'authorization',
  'connection',
  'content-length',
  'cookie',
  'cookie2',
  'expect',
  'forwarded',
  'from',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'remote-addr',
  'remote-user',
  'te',
  'trailer',
  'transfer-encoding',
  'true-client-ip',
  'upgrade',
  'via',
  'x-request-id',
  // an answer about another person's copy would be wrong, and these carry no database id
  'if-modified-since',
  'if-none-match',
  'if-range',
  'range',
]);
const IDENTITY =
  /^(?:fly-|cf-|proxy-|fastly-|x-(?:forwarded|real|original|rewrite|client|cluster|remote|auth|authenticated|user|tenant|envoy|amzn|appengine|goog|ms-|http-method|method)(?:-|$))/;

/** How a request reaches the tenant: the client's headers without those of the hop and of identity, and ours set anew. */
export function tenantHeaders(request: IncomingMessage, context: RequestContext, route: Route): string[] {
  const { headers } = request;
  const list = [
    'authorization',
    route.authorization,
    'x-request-id',
    context.requestId,
    'x-forwarded-for',
    context.clientAddress,
    'x-forwarded-proto',
    context.isSecure ? 'https' : 'http',
    'x-forwarded-host',
    headers.host ?? '',
  ];
  const hop = headersOfTheHop(headers.connection);
  for (const name in headers) {
    if (!mayPass(name) || hop?.includes(name)) continue;
    const value = headers[name];
    if (typeof value === 'string') list.push(name, value);
  }
  if (headers['content-length'] !== undefined && !isBodiless(request) && !hop?.includes('content-length')) {
    list.push('content-length', headers['content-length']);
  }
  pushConditions(list, request, route.databaseId);
  return list;
}

/** A body means nothing on these, and what stands behind might read it as the next request. */
export function isBodiless(request: IncomingMessage): boolean {
  return request.method === 'GET' || request.method === 'HEAD';
}

function mayPass(name: string): boolean {
  return PASS.has(name) || (!DROP.has(name) && !IDENTITY.test(name));
}

/** The names that `Connection` lists, or null where it only says how to go on. */
function headersOfTheHop(connection: string | undefined): string[] | null {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return null;
  return connection.split(',').map((name) => name.trim().toLowerCase());
}

/**
 * Conditions about a copy that the browser keeps pass only with an ETag of this database: else the next person on the same browser
 * could be told to go on showing the last one's list. Those of a write (`If-Match`) can only refuse it, and pass untouched.
 */
function pushConditions(list: string[], { method, headers }: IncomingMessage, databaseId: string): void {
  const isRead = method === 'GET' || method === 'HEAD';
  const noneMatch = headers['if-none-match'];
  if (noneMatch !== undefined) {
    const tags = isRead ? ownTags(noneMatch, databaseId) : noneMatch;
    if (tags) list.push('if-none-match', tags);
  }
  const { range, 'if-range': ifRange } = headers;
  if (range === undefined || (ifRange !== undefined && !ownTags(String(ifRange), databaseId))) return;
  list.push('range', range);
  if (ifRange !== undefined) list.push('if-range', String(ifRange));
}

const TAG = /(?:W\/)?"[^"]*"/g;

function ownTags(header: string, databaseId: string): string {
  if (databaseId === '') return '';
  return (header.match(TAG) ?? []).filter((tag) => tag.includes(databaseId)).join(', ');
}

/** Whether a body follows the headers. */
export function hasBody(headers: IncomingHttpHeaders): boolean {
  if (headers['transfer-encoding'] !== undefined) return true;
  const length = headers['content-length'];
  return length !== undefined && Number(length) > 0;
}
