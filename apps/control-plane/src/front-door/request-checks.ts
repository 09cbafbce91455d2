import type { IncomingMessage } from 'node:http';
import { ControlPlaneError } from '../error-codes';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
export const ALLOWED_METHODS = [...METHODS].join(', ');

/** Segments of unreserved and reserved characters: nothing that decoding changes, no empty segment, no backslash. */
const PLAIN_PATH = /^(?:\/|(?:\/[\w.~!$&'()*+,;=:@-]+)+\/?)$/;
/** A dot segment, also with the parameters that some servers cut off (`/..;x/`). */
const DOT_SEGMENT = /\/\.{1,2}(?:;[^/]*)?(?:\/|$)/;
const HOST = /^[\w.-]+(?::\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](?::\d{1,5})?$/;
/** Headers whose second value one server would believe and the next one would not. */
const SINGLE = new Set([
  'host',
  'content-length',
  'content-type',
  'transfer-encoding',
  'authorization',
  'proxy-authorization',
  'expect',
  'origin',
  'sec-fetch-site',
  'idempotency-key',
  'range',
]);
const MOST_HEADERS = 100;

/** What is wrong with a request's form, or null. Made once for every request, whoever answers it. */
export function checkRequest(request: IncomingMessage): ControlPlaneError | null {
  return checkMethod(request.method ?? '') ?? checkPath(request.url ?? '') ?? checkHeaders(request);
}

function checkMethod(method: string): ControlPlaneError | null {
  if (METHODS.has(method)) return null;
  return new ControlPlaneError('method_not_allowed', `This method is not allowed here; use one of ${ALLOWED_METHODS}.`);
}

/** `bad_path` for an absolute form, and for a path that reads differently once decoded or normalised. */
export function checkPath(url: string): ControlPlaneError | null {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  if (PLAIN_PATH.test(path) && !DOT_SEGMENT.test(path) && !url.includes('#')) return null;
  return new ControlPlaneError(
    'bad_path',
    'The path must be plain: no absolute URL, no percent-encoding, no empty or dot segments.',
  );
}

function checkHeaders(request: IncomingMessage): ControlPlaneError | null {
  const raw = request.rawHeaders;
  if (raw.length > 2 * MOST_HEADERS) {
    return new ControlPlaneError('headers_too_large', `A request may have ${MOST_HEADERS} headers at most.`);
  }
  const doubled = doubledHeader(raw);
  if (doubled) return new ControlPlaneError('bad_headers', `The header ${doubled} may come once only.`);

  const { host, 'transfer-encoding': coding, 'content-length': length } = request.headers;
  if (host === undefined || !HOST.test(host)) {
    return new ControlPlaneError('bad_headers', 'The request needs one valid Host header.');
  }
  if (coding !== undefined && (length !== undefined || coding.toLowerCase() !== 'chunked')) {
    return new ControlPlaneError(
      'bad_headers',
      'Transfer-Encoding may only be chunked, and not beside Content-Length.',
    );
  }
  return null;
}

/** Node keeps the first of two and says nothing, so this looks at what really came. */
function doubledHeader(raw: readonly string[]): string | null {
  let seen: Set<string> | null = null;
  let firstSingle = '';
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    if (!SINGLE.has(name)) continue;
    if (firstSingle === '') {
      firstSingle = name;
      continue;
    }
    seen ??= new Set([firstSingle]);
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return null;
}
