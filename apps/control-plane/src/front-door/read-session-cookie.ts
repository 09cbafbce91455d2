import { sessionCookieName } from '../accounts/session-cookie';

const PLAIN = sessionCookieName(false);
const SECURE = sessionCookieName(true);

/** More than one session cookie came: somebody else may have set one of them, and none is believed. */
export const SEVERAL_COOKIES = Symbol('several session cookies');

/** The value of the one session cookie in a Cookie header, null where there is none. Only the name that fits the scheme counts. */
export function readSessionCookie(
  header: string | undefined,
  isSecure: boolean,
): string | null | typeof SEVERAL_COOKIES {
  if (header === undefined) return null;
  let found: string | null = null;
  let count = 0;
  let start = 0;
  while (start < header.length) {
    let end = header.indexOf(';', start);
    if (end < 0) end = header.length;
    const equals = header.indexOf('=', start);
    if (equals > 0 && equals < end) {
      const name = header.slice(start, equals).trim();
      if (name === PLAIN || name === SECURE) {
        count++;
        if (name === (isSecure ? SECURE : PLAIN)) found = header.slice(equals + 1, end).trim();
      }
    }
    start = end + 1;
  }
  return count > 1 ? SEVERAL_COOKIES : found || null;
}
