import type { IncomingHttpHeaders } from 'node:http';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

export function isSafeMethod(method: string): boolean {
  return SAFE_METHODS.has(method);
}

/**
 * Whether an unsafe request comes from our own pages or from no page at all. `Sec-Fetch-Site` decides where it is there (browsers send it
 * over HTTPS and to localhost), else `Origin` by its host; no browser leaves out both.
 */
export function isSameOrigin(headers: IncomingHttpHeaders, publicUrl: string | undefined): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const { origin } = headers;
  if (origin === undefined) return true;
  const from = parse(origin);
  if (!from) return false; // `null`, or nonsense
  const here = parse(`${from.protocol}//${headers.host}`);
  return from.host === here?.host || (publicUrl !== undefined && from.host === parse(publicUrl)?.host);
}

function parse(url: string): URL | null {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  return parsed && (parsed.protocol === 'http:' || parsed.protocol === 'https:') ? parsed : null;
}
