import { House, answerOf, textOf } from './support/house';
import { exchange, head } from './support/raw';

describe('what passes between a client and its tenant', () => {
  let house: House;
  beforeAll(async () => (house = await House.open({ config: { trustedProxies: ['127.0.0.0/8'] } })));
  afterAll(() => house.close());
  beforeEach(() => {
    house.tenant.answer = (_request, response) => response.end('hello');
  });

  it.each([
    ['/api/v1/todos', '/todos'],
    ['/api/v1/todos?filter=open&q=a%20b', '/todos?filter=open&q=a%20b'],
    ['/api/v1/todos/7/image', '/todos/7/image'],
    ['/api/v1/events', '/events'],
    ['/api/v1/export', '/export'],
    ['/api/v1/usage/', '/usage/'],
    ['/todos/7/image?v=1', '/todos/7/image?v=1'],
    ['/todos/7/thumbnail', '/todos/7/thumbnail'],
  ])('passes %s on as %s', async (path, tenantPath) => {
    expect((await house.get(path)).status).toBe(200);
    expect(house.tenant.seen.at(-1)?.url).toBe(tenantPath);
  });

  it.each(['/api/v1/todosx', '/api/v1/todos.json', '/api/v1', '/todos', '/todos/7/images', '/API/v1/todos'])(
    "leaves %s to Nest, so that the tenant's address is never guessed from a beginning",
    async (path) => {
      const before = house.tenant.seen.length;
      const answer = await house.get(path);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ code: 'not_found' });
      expect(house.tenant.seen).toHaveLength(before);
    },
  );

  it('leaves a POST to a page that shows a picture to Nest', async () => {
    const answer = await fetch(`${house.url}/todos/7/image`, { method: 'POST', headers: { cookie: 'session=alice' } });
    expect(answer.status).toBe(404);
  });

  it("sends nobody's request on without a session", async () => {
    const before = house.gates.entered.length;
    const api = await fetch(`${house.url}/api/v1/todos`);
    expect(api.status).toBe(401);
    expect(await api.json()).toMatchObject({ code: 'unauthenticated' });
    const picture = await fetch(`${house.url}/todos/7/image`);
    expect(picture.status).toBe(401);
    const page = await fetch(`${house.url}/todos/7/image`, { headers: { accept: 'text/html' }, redirect: 'manual' });
    expect([page.status, page.headers.get('location')]).toEqual([303, '/login']);
    expect(house.gates.entered).toHaveLength(before);
  });

  it('takes from the client whatever says who or where it is, and what is for this hop alone', async () => {
    const forged = {
      cookie: '__Host-session=alice', // the trusted proxy below says https
      authorization: 'Basic Ym9iOmJvYg==', // of a reverse proxy; a bearer token would count
      forwarded: 'for=6.6.6.6',
      'fly-client-ip': '6.6.6.6',
      'fly-force-instance-id': 'another',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-user': 'bob',
      'x-real-ip': '6.6.6.6',
      'x-user-id': 'bob',
      'x-tenant-id': 'bob',
      'x-original-url': '/admin',
      'x-http-method-override': 'DELETE',
      'x-auth-request-user': 'bob',
      'proxy-authorization': 'Basic eA==',
      'cf-connecting-ip': '6.6.6.6',
      te: 'trailers',
      'x-mine': 'for the hop',
      connection: 'close, x-mine',
      'x-kept': 'yes',
      accept: 'text/plain',
      'x-forwarded-for': '203.0.113.9',
    };
    const request = house.request('/api/v1/todos', { headers: forged });
    request.end();
    await textOf(await answerOf(request));
    const { headers } = house.tenant.seen.at(-1) as (typeof house.tenant.seen)[0];
    expect(headers).toEqual({
      host: house.tenant.origin.slice('http://'.length),
      connection: 'keep-alive',
      authorization: 'Bearer token-of-alice',
      accept: 'text/plain',
      'x-kept': 'yes',
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-host': `127.0.0.1:${house.port}`,
      'x-forwarded-proto': 'https',
    });
  });

  it("drops of the tenant's answer what would act on the control plane's origin, and adds what keeps it harmless", async () => {
    house.tenant.answer = (_request, response) => {
      response.writeHead(200, {
        'Content-Type': 'text/html',
        'Set-Cookie': 'session=mallory; Path=/',
        'Strict-Transport-Security': 'max-age=1',
        'Clear-Site-Data': '"*"',
        'Access-Control-Allow-Origin': '*',
        'Service-Worker-Allowed': '/',
        'Cache-Control': 'public, max-age=9999',
        'Content-Security-Policy': "script-src 'unsafe-inline'",
        Location: 'https://evil.example/',
        Refresh: '0;url=https://evil.example/',
        Link: '</x>; rel=preload',
        'X-Powered-By': 'something',
        ETag: '"db-of-alice-1"',
        'Content-Disposition': 'inline; filename="a.png"',
      });
      response.end('<script>alert(1)</script>');
    };
    const answer = await house.get('/api/v1/todos');
    const headers = Object.fromEntries(answer.headers);
    expect(headers).toMatchObject({
      'content-type': 'text/html',
      etag: '"db-of-alice-1"',
      'content-disposition': 'inline; filename="a.png"',
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-cache',
      vary: 'Cookie',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers['content-security-policy']).toContain('sandbox');
    const dropped = ['set-cookie', 'strict-transport-security', 'clear-site-data', 'access-control-allow-origin'];
    const more = ['service-worker-allowed', 'location', 'refresh', 'link', 'x-powered-by'];
    for (const name of [...dropped, ...more]) expect(headers).not.toHaveProperty(name);
  });

  it('passes HEAD as HEAD, with the length and without a body', async () => {
    house.tenant.answer = (_request, response) => response.writeHead(200, { 'Content-Length': '1234' }).end();
    const answer = await exchange(house.port, head('HEAD', '/api/v1/todos'));
    expect(house.tenant.seen.at(-1)?.method).toBe('HEAD');
    expect(answer.headers.get('content-length')).toBe('1234');
    expect(answer.body).toBe('');
    const own = await exchange(house.port, head('HEAD', '/who'));
    expect([own.status, own.body]).toEqual([200, '']);
  });

  it.each([204, 304])('passes %s without a body or a length', async (status) => {
    house.tenant.answer = (_request, response) => response.writeHead(status, { ETag: '"db-of-alice-1"' }).end();
    const answer = await exchange(house.port, head('GET', '/api/v1/todos', ['If-None-Match: "db-of-alice-1"']));
    expect(answer.status).toBe(status);
    expect(answer.headers.has('content-length')).toBe(false);
    expect(answer.body).toBe('');
  });

  it('ignores early hints of the tenant and drops its trailers', async () => {
    house.tenant.answer = (_request, response) => {
      response.writeEarlyHints({ link: '</x.css>; rel=preload' });
      response.writeHead(200, { Trailer: 'X-End' });
      response.write('hel');
      response.addTrailers({ 'X-End': 'set-cookie' });
      response.end('lo');
    };
    const answer = await exchange(house.port, head('GET', '/api/v1/todos'));
    expect(answer.raw).toMatch(/^HTTP\/1\.1 200/);
    expect(answer.raw).not.toMatch(/103|x-end/i);
    expect(answer.body).toContain('hel');
  });

  it('leaves a body on GET behind, where it could be read as the next request', async () => {
    const smuggled = 'GET /todos/secret HTTP/1.1\r\nHost: x\r\n\r\n';
    const answer = await exchange(
      house.port,
      head('GET', '/api/v1/todos', [`Content-Length: ${smuggled.length}`]) + smuggled,
    );
    expect(answer.status).toBe(200);
    const seen = house.tenant.seen.at(-1);
    expect([seen?.body, seen?.headers['content-length']]).toEqual(['', undefined]);
    expect(house.tenant.seen.some(({ url }) => url.includes('secret'))).toBe(false);
  });

  describe('two people on one browser', () => {
    beforeEach(() => {
      // a tenant that believes every condition: the worst case
      house.tenant.answer = (request, response) => {
        const { 'if-none-match': tag, 'if-modified-since': since, range } = request.headers;
        if (tag !== undefined || since !== undefined) response.writeHead(304).end();
        else if (range !== undefined) response.writeHead(206).end('part');
        else response.writeHead(200, { ETag: '"db-of-bob-1"' }).end('the list of bob');
      };
    });

    it("never tells the second to go on showing the first one's list", async () => {
      for (const conditions of [
        { 'if-none-match': '"db-of-alice-1"' },
        { 'if-none-match': 'W/"db-of-alice-1", "db-of-alice-2"' },
        { 'if-none-match': '*' },
        { 'if-modified-since': new Date().toUTCString() },
        { range: 'bytes=5-', 'if-range': '"db-of-alice-1"' },
        { range: 'bytes=5-', 'if-range': new Date().toUTCString() },
      ]) {
        const answer = await house.get('/api/v1/todos', { cookie: 'session=bob', ...conditions } as never);
        expect([answer.status, await answer.text()]).toEqual([200, 'the list of bob']);
      }
    });

    it('still spares the owner of a copy the bytes', async () => {
      const fresh = { cookie: 'session=bob', 'if-none-match': '"db-of-alice-1", "db-of-bob-1"' };
      expect((await house.get('/api/v1/todos', fresh)).status).toBe(304);
      expect(house.tenant.seen.at(-1)?.headers['if-none-match']).toBe('"db-of-bob-1"');
      const part = { cookie: 'session=bob', range: 'bytes=5-', 'if-range': '"db-of-bob-1"' };
      expect((await house.get('/api/v1/todos', part)).status).toBe(206);
    });

    it("lets a write's own condition through untouched", async () => {
      house.tenant.answer = (_request, response) => response.writeHead(412).end();
      const headers = { cookie: 'session=bob', 'if-match': '"db-of-alice-1"' };
      const answer = await fetch(`${house.url}/api/v1/todos/7`, { method: 'PATCH', headers, body: '{}' });
      expect(answer.status).toBe(412);
      expect(house.tenant.seen.at(-1)?.headers['if-match']).toBe('"db-of-alice-1"');
    });
  });

  it('says `changed` after a write that succeeded, and after nothing else', async () => {
    house.signals.length = 0;
    const send = (method: string, status: number) => {
      house.tenant.answer = (_request, response) => response.writeHead(status).end();
      return fetch(`${house.url}/api/v1/todos`, { method, headers: { cookie: 'session=alice' } });
    };
    await send('GET', 200);
    await send('POST', 422);
    await send('HEAD', 200);
    expect(house.signals).toEqual([]);
    await send('POST', 201);
    await send('DELETE', 204);
    expect(house.signals).toEqual([
      ['alice', 'changed'],
      ['alice', 'changed'],
    ]);
  });

  it.each([
    ['a tenant path', '/api/v1/todos'],
    ["one of Nest's", '/echo'],
  ])('refuses a write from another site, whatever it calls itself (%s)', async (_side, path) => {
    const send = async (headers: Record<string, string>) =>
      (await fetch(house.url + path, { method: 'POST', headers: { cookie: 'session=alice', ...headers } })).status;
    const here = `http://127.0.0.1:${house.port}`;
    const ok = path === '/echo' ? 201 : 200;
    expect(await send({ origin: 'https://evil.example' })).toBe(403);
    expect(await send({ origin: 'null' })).toBe(403);
    const before = house.tenant.seen.length + house.handledByNest;
    const crossSite = await exchange(
      house.port,
      head('POST', path, ['Sec-Fetch-Site: cross-site', `Origin: ${here}`, 'Content-Length: 0']),
    );
    expect(crossSite.status).toBe(403);
    expect(house.tenant.seen.length + house.handledByNest).toBe(before);
    expect(await send({ origin: here })).toBe(ok);
    expect(await send({})).toBe(ok);
  });

  it('is told of the client by trusted proxies alone', async () => {
    const who = async (xff: string) =>
      (await (await house.get('/who', { 'x-forwarded-for': xff })).json()) as { clientAddress: string };
    expect(await who('6.6.6.6, 203.0.113.9')).toMatchObject({ clientAddress: '203.0.113.9' });
    const strict = await House.open();
    try {
      const answer = await strict.get('/who', { 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https' });
      expect(await answer.json()).toMatchObject({ clientAddress: '127.0.0.1', isSecure: false });
    } finally {
      await strict.close();
    }
  });
});
