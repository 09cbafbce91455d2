import { Client } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';
import { png } from '../support/pictures';

afterAll(endAll);

describe('two people', () => {
  let plane: ControlPlane;
  let ada: Client;
  let bob: Client;

  beforeAll(async () => {
    plane = await ControlPlane.start();
    [ada, bob] = await Promise.all([Client.withApp(plane, 'fra'), Client.withApp(plane, 'fra')]);
  });

  it('have apps, processes and files of their own', async () => {
    const [a, b] = await Promise.all([ada.tenant(), bob.tenant()]);
    expect(a.appName).not.toBe(b.appName);
    expect(a.regions[0]?.machineId).not.toBe(b.regions[0]?.machineId);
  });

  it("never see each other's to-dos, also by guessed ids", async () => {
    const secret = await ada.add('a secret of Ada', png());
    await bob.add('a list of Bob');
    expect((await bob.todos()).items.map(({ title }) => title)).toEqual(['a list of Bob']);
    expect(await bob.page('/dashboard')).not.toContain('a secret of Ada');
    for (const [method, path] of [
      ['GET', `/api/v1/todos/${secret.id}`],
      ['DELETE', `/api/v1/todos/${secret.id}`],
      ['GET', `/api/v1/todos/${secret.id}/image`],
      ['GET', `/todos/${secret.id}/image`],
    ] as const) {
      expect([path, (await bob.fetch(path, { method })).status]).toEqual([path, 404]);
    }
    expect((await bob.json('PATCH', `/api/v1/todos/${secret.id}`, { completed: true })).status).toBe(404);
    expect((await ada.todos()).items.map(({ completed }) => completed)).toEqual([false]);
  });

  it("cannot reach the other's app by forged headers", async () => {
    const [a, me] = [
      await ada.tenant(),
      await ada.fetch('/api/v1/me').then((r) => r.json() as Promise<{ id: string }>),
    ];
    for (const headers of [
      { authorization: 'Bearer nonsense' },
      {
        'x-tenant': a.appName,
        'x-tenant-id': a.id,
        'x-user-id': me.id,
        'fly-force-instance-id': a.regions[0]?.machineId ?? '',
      },
      { 'x-forwarded-host': a.appName, forwarded: `host=${a.appName}` },
      { 'x-original-url': `/api/v1/todos?tenant=${a.id}`, 'x-rewrite-url': '/api/v1/todos' },
    ]) {
      const response = await bob.fetch('/api/v1/todos', { headers });
      if (response.status === 200) expect(JSON.stringify(await response.json())).not.toContain('a secret of Ada');
      else expect(response.status).toBe(401);
    }
  });

  it("are refused at the other's machine, with each other's tokens too", async () => {
    const [a, b] = await Promise.all([directOf(ada), directOf(bob)]);
    const ask = (url: string, token: string) =>
      fetch(`${url}/todos`, { headers: { authorization: `Bearer ${token}` } });
    expect((await ask(a.url, a.token)).status).toBe(200);
    expect((await ask(b.url, a.token)).status).toBe(421);
    expect((await ask(a.url, b.token)).status).toBe(421);
    expect((await fetch(`${a.url}/todos`)).status).toBe(401);
    const [header, payload, signature] = a.token.split('.');
    const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()) as Record<string, unknown>;
    const other = JSON.parse(Buffer.from(b.token.split('.')[1] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >;
    const forged = Buffer.from(JSON.stringify({ ...other, exp: claims.exp })).toString('base64url');
    expect((await ask(b.url, `${header}.${forged}.${signature}`)).status).toBe(401);
    expect((await ask(a.url, `${a.token.slice(0, -4)}AAAA`)).status).toBe(401);
    expect(Date.parse(a.expiresAt) - Date.now()).toBeGreaterThan(9 * 60_000);
  });

  it('on one browser, one after the other, get no answer of the other from a cache', async () => {
    const first = await ada.fetch('/api/v1/todos');
    const etag = first.headers.get('etag') ?? '';
    expect(first.headers.get('cache-control')).toBe('private, no-cache');
    expect(etag).not.toBe('');
    expect((await ada.fetch('/api/v1/todos', { headers: { 'if-none-match': etag } })).status).toBe(304);
    const second = await bob.fetch('/api/v1/todos', { headers: { 'if-none-match': etag } });
    expect(second.status).toBe(200);
    expect(await second.text()).not.toContain('a secret of Ada');
    expect((await ada.fetch('/dashboard')).headers.get('cache-control')).toContain('no-store');
  });
});

async function directOf(client: Client): Promise<{ token: string; url: string; expiresAt: string }> {
  const response = await client.fetch('/api/v1/tenant/token', { method: 'POST' });
  expect(response.status).toBeLessThan(300);
  return (await response.json()) as { token: string; url: string; expiresAt: string };
}
