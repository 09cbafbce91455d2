/** Where a request to a tenant goes: the tenant's own path with its query, and the route's pattern for the log and the metrics. */
export interface TenantTarget {
  path: string;
  route: string;
}

const API = '/api/v1';
const PICTURE = /^\/todos\/[^/]+\/(image|thumbnail)$/;

/** Which requests are the tenant's: `/api/v1/<area>` and what lies under it, and the pictures of the pages. */
export class TenantPaths {
  private readonly areas: readonly { prefix: string; within: string }[];

  /** `areas`: the first segments of the tenant's own paths, as TENANT_PATHS has them. */
  constructor(areas: readonly string[]) {
    this.areas = areas.map((name) => ({ prefix: `${API}/${name}`, within: `${API}/${name}/*` }));
  }

  /**
   * The tenant's part of a request, or null where the control plane itself answers. `url` has passed `checkRequest`:
   * it is what it looks like, so that comparing its beginning is enough.
   */
  targetOf(method: string, url: string): TenantTarget | null {
    const query = url.indexOf('?');
    const path = query < 0 ? url : url.slice(0, query);
    for (const { prefix, within } of this.areas) {
      if (!path.startsWith(prefix)) continue;
      if (path.length === prefix.length) return { path: url.slice(API.length), route: prefix };
      if (path[prefix.length] === '/') return { path: url.slice(API.length), route: within };
    }
    if (method !== 'GET' && method !== 'HEAD') return null;
    const picture = PICTURE.exec(path);
    return picture ? { path: url, route: `/todos/:id/${picture[1]}` } : null;
  }
}
