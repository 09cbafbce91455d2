/** A session's id as its browser keeps it, and for how long. */
export interface SessionCookie {
  value: string;
  maxAgeSeconds: number;
}

/** With `__Host-` over HTTPS: the browser then takes it from this very host alone, never from a neighbour or over plain HTTP. */
export function sessionCookieName(isSecure: boolean): '__Host-session' | 'session' {
  return isSecure ? '__Host-session' : 'session';
}

/** The `Set-Cookie` of a session that was opened. */
export function serialiseSessionCookie(cookie: SessionCookie, isSecure: boolean): string {
  return setCookie(cookie.value, cookie.maxAgeSeconds, isSecure);
}

/** The `Set-Cookie` that makes the browser forget its session. */
export function clearedSessionCookie(isSecure: boolean): string {
  return setCookie('', 0, isSecure);
}

function setCookie(value: string, maxAgeSeconds: number, isSecure: boolean): string {
  const attributes = `Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}`;
  return `${sessionCookieName(isSecure)}=${value}; ${attributes}${isSecure ? '; Secure' : ''}`;
}
