const REALM = 'Bearer realm="todo"';

/** The `WWW-Authenticate` of a failure (RFC 6750), or null where it has none. */
export function challengeOf({ status, code }: { status: number; code: string }): string | null {
  if (code === 'invalid_token' || code === 'insufficient_scope') return `${REALM}, error="${code}"`;
  return status === 401 ? REALM : null;
}
