/** What an API token may be allowed; `todos:write` does not include `todos:read`. */
export const SCOPES = ['todos:read', 'todos:write', 'account'] as const;
export type Scope = (typeof SCOPES)[number];

const API = '/api/v1';
const OPEN = new Set([`${API}/regions`]);
/** The to-dos, which the tenant has, and the app that has them. */
const OF_THE_TODOS = ['todos', 'events', 'export', 'import', 'usage', 'tenant'].map((name) => `${API}/${name}`);
const DIRECT_ACCESS = `${API}/tenant/token`;

/** The scopes that a token needs for a request to the API. What is not named here needs `account`, so a new route is never open by mistake. */
export function scopesFor(method: string, url: string): readonly Scope[] {
  const query = url.indexOf('?');
  const path = (query < 0 ? url : url.slice(0, query)).replace(/\/$/, '').toLowerCase(); // as Express compares
  if (OPEN.has(path)) return [];
  if (path === DIRECT_ACCESS) return ['todos:read', 'todos:write']; // what it gives may do both
  if (!OF_THE_TODOS.some((area) => path === area || path.startsWith(`${area}/`))) return ['account'];
  return method === 'GET' || method === 'HEAD' ? ['todos:read'] : ['todos:write'];
}
