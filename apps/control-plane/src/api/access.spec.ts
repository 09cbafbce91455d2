import { Client } from '../../../../test/support/client';
import { openControlPlaneApi, type ControlPlaneApi } from '../../../../test/support/control-plane-api';
import type { ApiTokenResponse, SessionResponse } from './access-response';

const DAY = 24 * 3_600_000;

describe('the API of who can get into an account', () => {
  let api: ControlPlaneApi;
  let ada: Client;
  beforeEach(async () => {
    api = await openControlPlaneApi({ loginLimit: 2 });
    ada = new Client(api, 'ada@example.org');
    await ada.signUp();
  });
  afterEach(() => api.close());

  /** The same person on another device. */
  async function elsewhere(userAgent: string): Promise<Client> {
    const client = new Client(api, ada.email);
    const credentials = { email: ada.email, password: ada.password };
    await client.json('POST', '/api/v1/login', credentials, { 'user-agent': userAgent });
    return client;
  }
  const itemsOf = async <Item>(path: string, client = ada) =>
    ((await (await client.fetch(path)).json()) as { items: Item[] }).items;
  const sessionsOf = (client = ada) => itemsOf<SessionResponse>('/api/v1/sessions', client);
  const makeToken = async (body: object, client = ada) => {
    const response = await client.json('POST', '/api/v1/tokens', body);
    expect(response.status).toBe(201);
    return (await response.json()) as ApiTokenResponse & { token: string };
  };
  const withToken = (token: string, path: string, init: RequestInit = {}) =>
    fetch(api.url + path, { ...init, headers: { authorization: `Bearer ${token}`, ...(init.headers as object) } });
  const refusalOf = async (response: Response | Promise<Response>) => {
    const { status, headers } = await response;
    expect(headers.get('content-type')).toContain('application/problem+json');
    return {
      status,
      ...((await (await response).json()) as { code: string; errors?: { field: string }[]; input?: unknown }),
    };
  };

  describe('sessions', () => {
    it('are listed with device, address and times, and which one asks', async () => {
      api.clock.advance(60_000);
      await elsewhere('curl/8.5.0');
      const sessions = await sessionsOf();
      expect(sessions).toEqual([
        {
          id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
          device: 'curl',
          address: '127.0.0.1',
          createdAt: '2026-01-05T10:01:00.000Z',
          lastUsedAt: '2026-01-05T10:01:00.000Z',
          expiresAt: '2026-01-19T10:01:00.000Z',
          isCurrent: false,
        },
        expect.objectContaining({ device: 'node', createdAt: '2026-01-05T10:00:00.000Z', isCurrent: true }),
      ]);
      const asCookie = new Client(api);
      asCookie.cookie = `session=${sessions[0]?.id}`;
      expect((await asCookie.fetch('/api/v1/me')).status).toBe(401);
    });

    it('end one by one, for their owner alone', async () => {
      const phone = await elsewhere('a phone');
      const [{ id } = { id: '' }] = (await sessionsOf()).filter(({ isCurrent }) => !isCurrent);
      const bob = new Client(api);
      await bob.signUp();
      const remove = (client: Client) => client.fetch(`/api/v1/sessions/${id}`, { method: 'DELETE' });
      expect(await refusalOf(remove(bob))).toMatchObject({ status: 404, code: 'not_found' });
      expect((await phone.fetch('/api/v1/me')).status).toBe(200);
      const response = await remove(ada);
      expect([response.status, await response.text()]).toEqual([204, '']);
      expect((await phone.fetch('/api/v1/me')).status).toBe(401);
      expect(await refusalOf(remove(ada))).toMatchObject({ code: 'not_found' });
      expect(await sessionsOf()).toHaveLength(1);
    });

    it('other than the one at hand end with a change of the password', async () => {
      const phone = await elsewhere('a phone');
      const change = (body: object) => ada.json('POST', '/api/v1/me/password', body);
      const short = await refusalOf(change({ current: ada.password, new: 'short-é' }));
      expect(short).toMatchObject({ status: 422, errors: [{ field: 'new' }], input: {} });
      const wrong = await refusalOf(change({ current: 'wrong horse', new: 'battery staple' }));
      expect(wrong).toMatchObject({ status: 403, code: 'wrong_password', errors: [{ field: 'current' }] });
      expect((await phone.fetch('/api/v1/me')).status).toBe(200);

      const changed = await change({ current: ada.password, new: 'battery staple' });
      expect([changed.status, await changed.text()]).toEqual([204, '']);
      expect((await ada.fetch('/api/v1/me')).status).toBe(200);
      expect((await phone.fetch('/api/v1/me')).status).toBe(401);
      const login = (password: string) => new Client(api).json('POST', '/api/v1/login', { email: ada.email, password });
      expect((await login(ada.password)).status).toBe(401);
      expect((await login('battery staple')).status).toBe(200);
    });

    it('count wrong passwords of a change as those of a login', async () => {
      const guess = () => ada.json('POST', '/api/v1/me/password', { current: 'wrong horse', new: 'battery staple' });
      for (let i = 0; i < 2; i += 1) expect((await guess()).status).toBe(403);
      const refused = await guess();
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '900']);
    });
  });

  describe('tokens', () => {
    const backup = { name: ' the backup ', expiresInDays: 30, scope: ['todos:read', 'account'] };

    it('are shown once when they are made, and listed without themselves', async () => {
      const { token, ...rest } = await makeToken(backup);
      const listed = {
        id: rest.id,
        name: 'the backup',
        scope: ['todos:read', 'account'],
        createdAt: '2026-01-05T10:00:00.000Z',
        lastUsedAt: null as string | null,
        expiresAt: '2026-02-04T10:00:00.000Z',
      };
      expect(token).toMatch(/^todo_pat_[0-9a-f]{40}$/);
      expect(rest).toEqual(listed);
      expect(await itemsOf('/api/v1/tokens')).toEqual([listed]);
      expect((await withToken(token, '/api/v1/me')).status).toBe(200);
      listed.lastUsedAt = '2026-01-05T10:00:00.000Z';
      expect(await itemsOf('/api/v1/tokens')).toEqual([listed]);
      expect(JSON.stringify(await api.dataSource.query('SELECT * FROM api_tokens'))).not.toContain(token.slice(9));
    });

    it('take their scope also as one text, as OAuth writes it', async () => {
      const { scope } = await makeToken({ ...backup, scope: 'todos:write todos:read' });
      expect(scope).toEqual(['todos:read', 'todos:write']);
    });

    it('say all that is wrong at once', async () => {
      const wrong = await refusalOf(
        ada.json('POST', '/api/v1/tokens', { name: 'x'.repeat(101), expiresInDays: 366, scope: ['all'], id: 1 }),
      );
      expect(wrong).toMatchObject({ status: 422, code: 'validation_failed' });
      expect(wrong.errors?.map(({ field }) => field).sort()).toEqual(['expiresInDays', 'id', 'name', 'scope']);
      const bad = [{ name: '\n' }, { name: 1 }, { expiresInDays: 0 }, { expiresInDays: '30' }, { expiresInDays: 1.5 }];
      const bodies = [...bad, { scope: [] }, { scope: '' }, { scope: { 0: 'account' } }, { scope: [['account']] }];
      for (const body of bodies) {
        const { status, errors } = await refusalOf(ada.json('POST', '/api/v1/tokens', { ...backup, ...body }));
        expect([body, status, errors?.length]).toEqual([body, 422, 1]);
      }
      expect(await itemsOf('/api/v1/tokens')).toEqual([]);
      await makeToken({ ...backup, name: '🐎'.repeat(100), expiresInDays: 365 });
    });

    it('do what their scopes say', async () => {
      const { token } = await makeToken({ ...backup, scope: ['todos:read'] });
      expect((await withToken(token, '/api/v1/tenant')).status).toBe(200);
      expect((await withToken(token, '/api/v1/regions')).status).toBe(200);
      for (const [method, path] of [
        ['GET', '/api/v1/me'],
        ['GET', '/api/v1/sessions'],
        ['GET', '/api/v1/tokens'],
        ['POST', '/api/v1/tokens'],
        ['POST', '/api/v1/me/password'],
        ['DELETE', '/api/v1/me'],
        ['POST', '/api/v1/tenant/retry'],
        ['POST', '/api/v1/tenant/token'],
        ['POST', '/api/v1/todos'],
      ] as const) {
        const refusal = await refusalOf(withToken(token, path, { method }));
        expect([method, path, refusal.status, refusal.code]).toEqual([method, path, 403, 'insufficient_scope']);
      }
      expect(api.gates.entered).toBe(0);
    });

    it('see the sessions without being one, and make only what is no more than themselves', async () => {
      const { token } = await makeToken(backup);
      const { items } = (await (await withToken(token, '/api/v1/sessions')).json()) as { items: SessionResponse[] };
      expect(items.map(({ isCurrent }) => isCurrent)).toEqual([false]);
      const make = (body: object) =>
        withToken(token, '/api/v1/tokens', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ name: 'x', ...body }),
        });
      expect(await refusalOf(make({ scope: ['todos:write'], expiresInDays: 1 }))).toMatchObject({ status: 403 });
      expect(await refusalOf(make({ scope: ['account'], expiresInDays: 31 }))).toMatchObject({ status: 403 });
      expect((await make({ scope: ['account'], expiresInDays: 30 })).status).toBe(201);
    });

    it('end when they are revoked, by their owner alone, and when they expire', async () => {
      const { token, id } = await makeToken(backup);
      const { token: other } = await makeToken({ ...backup, expiresInDays: 1 });
      const bob = new Client(api);
      await bob.signUp();
      const remove = (client: Client) => client.fetch(`/api/v1/tokens/${id}`, { method: 'DELETE' });
      expect(await refusalOf(remove(bob))).toMatchObject({ status: 404, code: 'not_found' });
      expect((await withToken(token, '/api/v1/me')).status).toBe(200);
      expect((await remove(ada)).status).toBe(204);
      const refused = await withToken(token, '/api/v1/me');
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
        401,
        expect.stringContaining('invalid_token'),
      ]);
      expect((await withToken(other, '/api/v1/me')).status).toBe(200);
      api.clock.advance(DAY);
      expect(await refusalOf(withToken(other, '/api/v1/me'))).toMatchObject({ status: 401, code: 'invalid_token' });
    });

    it('are no more than fifty', async () => {
      for (let i = 0; i < 50; i += 1) await makeToken(backup);
      const refused = await refusalOf(ada.json('POST', '/api/v1/tokens', backup));
      expect(refused).toMatchObject({ status: 409, code: 'too_many_tokens' });
    });

    it('delete the account with its password, and end with it', async () => {
      const { token } = await makeToken(backup);
      const remove = (password: string) =>
        withToken(token, '/api/v1/me', {
          method: 'DELETE',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ password }),
        });
      expect((await remove('wrong horse')).status).toBe(403);
      expect((await remove(ada.password)).status).toBe(202);
      expect((await withToken(token, '/api/v1/me')).status).toBe(401);
      expect((await ada.fetch('/api/v1/me')).status).toBe(401);
    });
  });
});
