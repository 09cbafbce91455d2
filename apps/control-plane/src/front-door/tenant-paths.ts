/** Where a request to a tenant goes: the tenant's own path with its query, and the route's pattern for the log and the metrics. */
export interface TenantTarget {
  path: string;
  route: string;
}

const API = '/api/v1';
const TENANT_AREAS = ['todos', 'events', 'export', 'import', 'usage'].map((name) => ({
  prefix: `${API}/${name}`,
  within: `${API}/${name}/*`,
}));
const PICTURE = /^\/todos\/[^/]+\/(image|thumbnail)$/;

/**
 * The tenant's part of a request, or null where the control plane itself answers. `url` has passed `checkRequest`:
 * it is what it looks like, so that comparing its beginning is enough.
 */
export function tenantTarget(method: string, url: string): TenantTarget | null {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  for (const { prefix, within } of TENANT_AREAS) {
    if (!path.startsWith(prefix)) continue;
    if (path.length === prefix.length) return { path: url.slice(API.length), route: prefix };
    if (path[prefix.length] === '/') return { path: url.slice(API.length), route: within };
  }
  if (method !== 'GET' && method !== 'HEAD') return null;
  const picture = PICTURE.exec(path);
  return picture ? { path: url, route: `/todos/:id/${picture[1]}` } : null;
}
