import { Client } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';
import { until } from '../support/until';

afterAll(endAll);

describe('an account of one’s own', () => {
  let plane: ControlPlane;
  let ada: Client;
  beforeAll(async () => {
    plane = await ControlPlane.start();
    ada = await Client.withApp(plane);
  });

  const elsewhere = async () => {
    const client = new Client(plane, ada.email);
    await client.json('POST', '/api/v1/login', { email: ada.email, password: ada.password });
    return client;
  };
  const makeToken = async (scope: string[], client = ada) => {
    const body = { name: scope.join(' '), expiresInDays: 1, scope };
    const response = await client.json('POST', '/api/v1/tokens', body);
    expect(response.status).toBe(201);
    return (await response.json()) as { id: string; token: string };
  };
  const withToken = (token: string, path: string, init: RequestInit = {}) =>
    fetch(plane.url + path, { ...init, headers: { authorization: `Bearer ${token}`, ...(init.headers as object) } });
  const addWith = (token: string, headers: Record<string, string> = {}) =>
    withToken(token, '/api/v1/todos', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ title: 'by a token' }),
    });

  it('a change of the password ends the other sessions and what they hold open', async () => {
    const phone = await elsewhere();
    const { token } = await makeToken(['account']);
    const theirs = await open(() => phone.fetch('/api/v1/tenant/events'));
    const mine = await open(() => ada.fetch('/api/v1/tenant/events'));

    const password = 'another horse battery';
    const changed = await ada.json('POST', '/api/v1/me/password', { current: ada.password, new: password });
    expect(changed.status).toBe(204);
    await theirs.end;
    expect(mine.isOpen()).toBe(true);
    expect((await phone.fetch('/api/v1/todos')).status).toBe(401);
    expect((await ada.fetch('/api/v1/todos')).status).toBe(200);
    expect((await withToken(token, '/api/v1/me')).status).toBe(200);
    expect((await (await elsewhere()).fetch('/api/v1/me')).status).toBe(401);
    await ada.json('POST', '/api/v1/me/password', { current: password, new: ada.password });
    await mine.close();
  });

  it('a session that is revoked in another browser ends there, its stream too', async () => {
    const phone = await elsewhere();
    const stream = await open(() => phone.fetch('/api/v1/tenant/events'));
    const { items } = (await (await phone.fetch('/api/v1/sessions')).json()) as {
      items: { id: string; isCurrent: boolean }[];
    };
    const id = items.find(({ isCurrent }) => isCurrent)?.id;
    expect((await ada.fetch(`/api/v1/sessions/${id}`, { method: 'DELETE' })).status).toBe(204);
    await stream.end;
    expect((await phone.fetch('/api/v1/me')).status).toBe(401);
  });

  it('a token does what its scopes say, at the tenant and at the control plane, from any origin', async () => {
    const [reads, writes, manages] = await Promise.all([
      makeToken(['todos:read']),
      makeToken(['todos:write']),
      makeToken(['account']),
    ]);
    const statuses = async (token: string) => [
      (await withToken(token, '/api/v1/todos')).status,
      (await addWith(token)).status,
      (await withToken(token, '/api/v1/tenant')).status,
      (await withToken(token, '/api/v1/me')).status,
    ];
    expect(await statuses(reads.token)).toEqual([200, 403, 200, 403]);
    expect(await statuses(writes.token)).toEqual([403, 201, 403, 403]);
    expect(await statuses(manages.token)).toEqual([403, 403, 403, 200]);
    expect((await addWith(writes.token, { origin: 'https://elsewhere.example' })).status).toBe(201);

    const unknown = await withToken(`todo_pat_${'0'.repeat(40)}`, '/api/v1/todos', { headers: { cookie: ada.cookie } });
    expect([unknown.status, unknown.headers.get('www-authenticate')]).toEqual([
      401,
      'Bearer realm="todo", error="invalid_token"',
    ]);
    const page = await withToken(manages.token, '/account', { redirect: 'manual', headers: { accept: 'text/html' } });
    expect([page.status, page.headers.get('location')]).toEqual([303, '/login']);
    for (const { id } of [reads, writes, manages]) await ada.fetch(`/api/v1/tokens/${id}`, { method: 'DELETE' });
  });

  it('a token that is revoked ends, with its stream; after a restart the others still work', async () => {
    const { id, token } = await makeToken(['todos:read', 'account']);
    const kept = await makeToken(['todos:read']);
    const stream = await open(() => withToken(token, '/api/v1/tenant/events'));
    expect((await ada.fetch(`/api/v1/tokens/${id}`, { method: 'DELETE' })).status).toBe(204);
    await stream.end;
    expect((await withToken(token, '/api/v1/todos')).status).toBe(401);

    await plane.end();
    plane = await ControlPlane.start({}, plane.dataDir);
    expect((await withToken(kept.token, '/api/v1/todos')).status).toBe(200);
    expect((await withToken(token, '/api/v1/todos')).status).toBe(401);
    expect(plane.output).not.toContain(kept.token);
  });

  it('by pages: a token is shown once, and the deletion says without a session when it is done', async () => {
    const eve = await Client.withApp(plane);
    const { appName } = await eve.tenant();
    const made = await eve.post('/account', {
      action: 'create-token',
      name: 'cron',
      expiresInDays: '7',
      scope: 'todos:read',
    });
    expect([made.status, made.headers.get('location')]).toEqual([303, '/account']);
    const token = /todo_pat_[0-9a-f]{40}/.exec(await eve.page('/account'))?.[0] ?? '';
    expect((await withToken(token, '/api/v1/todos')).status).toBe(200);
    const again = await eve.page('/account');
    expect(again).not.toContain('todo_pat_');
    expect(again).toContain(appName);

    const deleted = await eve.post('/account', { action: 'delete', password: eve.password });
    const address = deleted.headers.get('location') ?? '';
    expect(address).toMatch(/^\/account\/deleted\/./);
    const nobody = new Client(plane);
    await until(async () => (await nobody.page(address)).includes('Your account is deleted'));
    expect((await withToken(token, '/api/v1/todos')).status).toBe(401);
    const forged = address.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    expect((await nobody.fetch(forged)).status).toBe(404);
  });
});

/** Opens an event stream and reads it; `end` resolves when the other side has ended it. */
async function open(
  ask: () => Promise<Response>,
): Promise<{ end: Promise<void>; isOpen: () => boolean; close: () => Promise<void> }> {
  const response = await ask();
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    expect.stringContaining('text/event-stream'),
  ]);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let isOpen = true;
  const end = (async () => {
    while (!(await reader.read()).done);
    isOpen = false;
  })();
  return { end, isOpen: () => isOpen, close: () => reader.cancel() };
}
