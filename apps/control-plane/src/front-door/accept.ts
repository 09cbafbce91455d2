import type { IncomingMessage } from 'node:http';

/** True for a browser that opens a page: it asks for HTML by name, and no less than for JSON. Never under /api. */
export function wantsPage(request: IncomingMessage): boolean {
  const url = request.url ?? '/';
  if (url === '/api' || url.startsWith('/api/')) return false;
  return prefersHtml(request.headers.accept);
}

/** Whether an Accept header names HTML with at least the weight of JSON. A bare wildcard does not name it. */
export function prefersHtml(accept: string | undefined): boolean {
  if (!accept) return false;
  let html = 0;
  let json = 0;
  for (const entry of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim());
    const weight = weightOf(parameters);
    if (type === 'text/html' || type === 'application/xhtml+xml') html = Math.max(html, weight);
    if (type === 'application/json' || type === 'application/problem+json') json = Math.max(json, weight);
  }
  return html > 0 && html >= json;
}

function weightOf(parameters: string[]): number {
  const q = parameters.find((parameter) => parameter.startsWith('q='));
  if (!q) return 1;
  const weight = Number(q.slice(2));
  return Number.isFinite(weight) ? weight : 0;
}
