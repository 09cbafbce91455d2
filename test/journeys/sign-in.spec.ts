import { Client } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';

afterAll(endAll);

describe('signing in', () => {
  it('gives the same answer for a wrong password and an unknown e-mail, and limits the tries', async () => {
    const plane = await ControlPlane.start({ LOGIN_LIMIT: '3' });
    const ada = new Client(plane);
    await ada.signUp();
    const eve = new Client(plane);
    const attempt = (email: string, password: string) => eve.json('POST', '/api/v1/login', { email, password });
    const wrong = await attempt(ada.email, 'not the password');
    const unknown = await attempt('nobody@example.org', 'not the password');
    expect([wrong.status, unknown.status]).toEqual([401, 401]);
    const plain = (body: unknown) => ({ ...(body as object), requestId: '', input: null });
    expect(plain(await wrong.json())).toEqual(plain(await unknown.json()));

    await attempt(ada.email, 'not the password');
    await attempt(ada.email, 'not the password');
    const limited = await attempt(ada.email, ada.password);
    expect(limited.status).toBe(429);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await attempt('nobody@example.org', 'x'.repeat(9))).status).toBe(401);
  });

  it('limits sign-ups from one address', async () => {
    const plane = await ControlPlane.start({ SIGNUP_LIMIT: '2' });
    const statuses: number[] = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await new Client(plane).signUp()).status);
    expect(statuses).toEqual([201, 201, 429]);
  });

  it('lets one of two sign-ups with one e-mail win, and tells the other', async () => {
    const plane = await ControlPlane.start();
    const email = 'twice@example.org';
    const answers = await Promise.all([
      new Client(plane, email).signUp(),
      new Client(plane, ' TWICE@example.org').signUp(),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    const loser = answers.find(({ status }) => status === 409);
    expect(await loser?.json()).toMatchObject({ code: 'email_taken' });
  });

  it('gives a new session at each login, and none to a page of another site', async () => {
    const plane = await ControlPlane.start();
    const ada = new Client(plane);
    const signedUp = await ada.signUp();
    expect(signedUp.headers.getSetCookie()[0]).toMatch(/^session=[\w-]+;.*HttpOnly.*SameSite=Lax/i);
    const first = ada.cookie;
    await ada.json('POST', '/api/v1/login', { email: ada.email, password: ada.password });
    expect(ada.cookie).not.toBe(first);
    const stale = new Client(plane);
    stale.cookie = first;
    expect((await stale.fetch('/api/v1/me')).status).toBe(401);

    const foreign: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'http://evil.example' },
      { origin: 'null' },
    ];
    for (const headers of foreign) {
      expect((await ada.json('POST', '/api/v1/todos', { title: 'x' }, headers)).status).toBe(403);
      expect((await ada.fetch('/logout', { method: 'POST', headers })).status).toBe(403);
    }
    expect((await ada.json('POST', '/api/v1/logout', {}, { origin: plane.url })).status).toBe(204);
    expect((await ada.fetch('/api/v1/me')).status).toBe(401);
  });
});
