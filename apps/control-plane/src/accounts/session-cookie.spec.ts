import { clearedSessionCookie, serialiseSessionCookie } from './session-cookie';

describe('the session cookie', () => {
  it('is out of reach of scripts and other sites, and bound to this host over HTTPS', () => {
    const cookie = { value: 'id', maxAgeSeconds: 60 };
    expect(serialiseSessionCookie(cookie, false)).toBe('session=id; Path=/; HttpOnly; SameSite=Lax; Max-Age=60');
    expect(serialiseSessionCookie(cookie, true)).toBe(
      '__Host-session=id; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure',
    );
    expect(clearedSessionCookie(true)).toBe('__Host-session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure');
  });
});
