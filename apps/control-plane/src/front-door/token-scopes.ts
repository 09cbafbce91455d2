/** What an API token may be allowed; `todos:write` does not include `todos:read`. */
export const SCOPES = ['todos:read', 'todos:write', 'account'] as const;
export type Scope = (typeof SCOPES)[number];

const API = '/api/v1';
const OPEN = new Set([`${API}/regions`]);
const DIRECT_ACCESS = `${API}/tenant/token`;

/** A WebSocket reads and writes. */
export const WEB_SOCKET_SCOPES: readonly Scope[] = ['todos:read', 'todos:write'];

/**
 * The scopes that a token needs for a request to the API; `tenantPaths` are the areas of the tenant's image, which are data as to-dos are. What is not named here needs `account`, so a new route is never open by mistake.
 */
export function scopesFor(method: string, url: string, tenantPaths: readonly string[]): readonly Scope[] {
  const query = url.indexOf('?');
  const path = (query < 0 ? url : url.slice(0, query)).replace(/\/$/, '').toLowerCase(); // as Express compares
  if (OPEN.has(path)) return [];
  if (path === DIRECT_ACCESS) return ['todos:read', 'todos:write']; // what it gives may do both
  const isOfTheApp = (area: string) => path === `${API}/${area}` || path.startsWith(`${API}/${area}/`);
  if (!isOfTheApp('tenant') && !tenantPaths.some(isOfTheApp)) return ['account'];
  return method === 'GET' || method === 'HEAD' ? ['todos:read'] : ['todos:write'];
}
