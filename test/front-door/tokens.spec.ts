import { House, answerOf, textOf } from './support/house';

describe('API tokens at the front door', () => {
  let house: House;
  beforeAll(async () => (house = await House.open()));
  afterAll(() => house.close());
  beforeEach(() => {
    house.tenant.answer = (_request, response) => response.end('hello');
  });

  const ask = (path: string, token: string, init: RequestInit = {}) =>
    fetch(house.url + path, {
      redirect: 'manual',
      ...init,
      headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string> | undefined) },
    });
  const post = (path: string, token: string, headers: Record<string, string> = {}) =>
    ask(path, token, { method: 'POST', headers });

  it('let in as a cookie does, to the tenant and to Nest, and stay here', async () => {
    expect((await ask('/api/v1/todos', 'alice|todos:read')).status).toBe(200);
    expect(house.tenant.seen.at(-1)?.headers.authorization).toBe('Bearer token-of-alice');
    expect(await (await ask('/api/v1/me', 'alice|account')).json()).toEqual({ email: 'alice@example.org' });
    const inAnotherCase = await fetch(`${house.url}/api/v1/me`, {
      headers: { authorization: 'bearer  alice|account' },
    });
    expect(inAnotherCase.status).toBe(200);
  });

  it('do what their scopes say, for the tenant and for Nest alike', async () => {
    const entered = house.gates.entered.length;
    const refused = async (answer: Promise<Response>) => {
      const { status, headers } = await answer;
      expect([status, headers.get('www-authenticate')]).toEqual([
        403,
        'Bearer realm="todo", error="insufficient_scope"',
      ]);
    };
    await refused(post('/api/v1/todos', 'alice|todos:read,account'));
    await refused(ask('/api/v1/todos', 'alice|todos:write,account'));
    await refused(ask('/api/v1/me', 'alice|todos:read,todos:write'));
    await refused(ask('/API/V1/me', 'alice|todos:read'));
    await refused(post('/api/v1/tenant/token', 'alice|todos:write,account'));
    expect(house.gates.entered).toHaveLength(entered);
    const problem = await (await ask('/api/v1/me', 'alice|todos:read')).json();
    expect(problem).toMatchObject({ code: 'insufficient_scope', detail: 'This needs a token with the scope account.' });
    expect((await post('/api/v1/todos', 'alice|todos:write')).status).toBe(200);
  });

  it.each(['unknown', '', 'Basic', 'alice'.repeat(2)])('that are not known are refused: %j', async (token) => {
    const entered = house.gates.entered.length;
    for (const path of ['/api/v1/todos', '/api/v1/me', '/api/v1/nothing']) {
      const answer = await ask(path, token);
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
        401,
        'Bearer realm="todo", error="invalid_token"',
      ]);
      expect(await answer.json()).toMatchObject({ code: 'invalid_token', status: 401 });
    }
    expect(house.gates.entered).toHaveLength(entered);
  });

  it('alone count where a cookie came too, also when they are refused and when several cookies came', async () => {
    const cookie = 'session=alice';
    const me = await ask('/api/v1/me', 'bob|account', { headers: { cookie } });
    expect(await me.json()).toEqual({ email: 'bob@example.org' });
    expect((await ask('/api/v1/me', 'unknown', { headers: { cookie } })).status).toBe(401);
    expect((await post('/api/v1/todos', 'bob|todos:read', { cookie })).status).toBe(403);
    const several = { cookie: 'session=alice; session=bob' };
    expect((await ask('/api/v1/me', 'bob|account', { headers: several })).status).toBe(200);
  });

  it('need no same origin, which what comes with a cookie still does', async () => {
    const elsewhere = { origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' };
    expect((await post('/api/v1/todos', 'alice|todos:write', elsewhere)).status).toBe(200);
    const cookie = { ...elsewhere, cookie: 'session=alice', authorization: 'Basic eA==' };
    const forged = await fetch(`${house.url}/api/v1/todos`, { method: 'POST', headers: cookie });
    expect([forged.status, await forged.json()]).toMatchObject([403, { code: 'cross_site' }]);
    const page = await post('/echo', 'alice|account', { ...elsewhere, cookie: 'session=alice' });
    expect([page.status, await page.json()]).toMatchObject([403, { code: 'cross_site' }]);
  });

  it('mean nothing to pages, nor does another scheme to the API', async () => {
    const page = await ask('/page', 'alice|account', { headers: { accept: 'text/html' } });
    expect([page.status, page.headers.get('location')]).toEqual([303, '/login']);
    expect((await ask('/todos/7/image', 'alice|todos:read')).status).toBe(401);
    const basic = { cookie: 'session=alice', authorization: 'Basic eA==' };
    expect((await fetch(`${house.url}/api/v1/me`, { headers: basic })).status).toBe(200);
  });

  it('are asked for where nothing came', async () => {
    for (const path of ['/api/v1/todos', '/api/v1/me']) {
      const answer = await fetch(house.url + path);
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="todo"']);
    }
    expect((await fetch(`${house.url}/page`, { redirect: 'manual' })).headers.has('www-authenticate')).toBe(false);
  });

  it('end what they hold open when they end, and nothing else', async () => {
    house.tenant.answer = (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(':\n\n');
    };
    const open = async (token: string) => {
      const request = house.request('/api/v1/events', { headers: { cookie: '', authorization: `Bearer ${token}` } });
      request.end();
      return answerOf(request);
    };
    const [ofAlice, ofBob] = [await open('alice|todos:read'), await open('bob|todos:read')];
    house.tokens.end('alice');
    expect(await textOf(ofAlice)).toContain(':');
    expect(ofBob.complete).toBe(false);
    ofBob.destroy();
  });
});
