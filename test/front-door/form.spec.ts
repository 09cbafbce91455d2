import { connect } from 'node:net';
import { House } from './support/house';
import { everything, exchange, head, parse } from './support/raw';

/** Everything about a request's form, shown for a path of the tenant's and for one of Nest's. */
describe('the form of a request', () => {
  let house: House;
  beforeAll(async () => (house = await House.open()));
  afterAll(() => house.close());

  const SIDES = [
    { side: 'a tenant path', get: '/api/v1/todos', post: '/api/v1/todos' },
    { side: "one of Nest's", get: '/who', post: '/echo' },
  ];

  /** Sends a request that must be refused, and shows that nobody behind the front door saw it. */
  async function refused(bytes: string): Promise<{ status: number; code: unknown; requestId: string | undefined }> {
    const before = { nest: house.handledByNest, tenant: house.tenant.seen.length, entered: house.gates.entered.length };
    const answer = await exchange(house.port, bytes);
    expect({
      nest: house.handledByNest,
      tenant: house.tenant.seen.length,
      entered: house.gates.entered.length,
    }).toEqual(before);
    const problem = answer.body.startsWith('{') ? (JSON.parse(answer.body) as { code: string }) : null;
    return { status: answer.status, code: problem?.code, requestId: answer.headers.get('x-request-id') };
  }

  it.each(SIDES)('is let through where nothing is wrong with it ($side)', async ({ get }) => {
    expect((await exchange(house.port, head('GET', `${get}?q=%2e%2e%2f`))).status).toBe(200);
  });

  describe.each(SIDES)('$side', ({ get, post }) => {
    it.each([
      ['a dot segment', (path: string) => `${path}/../me`],
      ['a single dot', (path: string) => `${path}/./x`],
      ['an encoded dot segment', (path: string) => `${path}/%2e%2e/me`],
      ['a dot segment with parameters', (path: string) => `${path}/..;/me`],
      ['an empty segment', (path: string) => `/${path}`],
      ['an empty segment within', (path: string) => `${path}//x`],
      ['a backslash', (path: string) => `${path}\\x`],
      ['an encoded backslash', (path: string) => `${path}%5cx`],
      ['an encoded slash', (path: string) => `${path}%2fx`],
      ['an encoded NUL', (path: string) => `${path}%00`],
      ['a letter encoded without need', (path: string) => path.replace('o', '%6f')],
      ['a percent sign that encodes nothing', (path: string) => `${path}%zz`],
      ['a fragment', (path: string) => `${path}#x`],
      ['an absolute form', (path: string) => `http://localhost${path}`],
    ])('answers 400 bad_path to %s', async (_what, path) => {
      expect(await refused(head('GET', path(get)))).toMatchObject({ status: 400, code: 'bad_path' });
    });

    it.each([
      ['a second Host', ['Host: other']],
      ['a second session cookie of one name', ['Cookie: session=bob']],
      ['a session cookie of each name', ['Cookie: __Host-session=bob']],
      ['a second Authorization', ['Authorization: Bearer a', 'Authorization: Bearer b']],
      ['a second Origin', ['Origin: http://localhost', 'Origin: http://evil.example']],
      ['a second Content-Type', ['Content-Type: text/plain', 'Content-Type: application/json']],
    ])('answers 400 bad_headers to %s', async (_what, lines) => {
      expect(await refused(head('GET', get, lines))).toMatchObject({ status: 400, code: 'bad_headers' });
    });

    it('answers 400 bad_headers to a request without Host, and to one whose Host is nonsense', async () => {
      const bare = `GET ${get} HTTP/1.1\r\nConnection: close\r\nCookie: session=alice\r\n\r\n`;
      expect(await refused(bare)).toMatchObject({ status: 400, code: 'bad_headers' });
      const odd = bare.replace('Connection', 'Host: a@b/c\r\nConnection');
      expect(await refused(odd)).toMatchObject({ status: 400, code: 'bad_headers' });
    });

    it.each([
      ['two lengths', ['Content-Length: 3', 'Content-Length: 4']],
      ['a length beside chunks', ['Content-Length: 3', 'Transfer-Encoding: chunked']],
      ['a coding that nobody undoes', ['Transfer-Encoding: gzip, chunked']],
      ['a length that is no number', ['Content-Length: +3']],
    ])('answers 400 to a body with %s', async (_what, lines) => {
      expect(await refused(`${head('POST', post, lines)}abc`)).toMatchObject({ status: 400 });
    });

    it('answers 431 to too many headers and to too long ones', async () => {
      const many = Array.from({ length: 101 }, (_, i) => `X-${i}: 1`);
      expect(await refused(head('GET', get, many))).toMatchObject({ status: 431, code: 'headers_too_large' });
      const long = [`X-Long: ${'x'.repeat(17_000)}`];
      expect(await refused(head('GET', get, long))).toMatchObject({ status: 431, code: 'headers_too_large' });
    });

    it('answers 417 to an expectation other than 100-continue', async () => {
      expect(await refused(head('POST', post, ['Expect: 200-ok', 'Content-Length: 0']))).toMatchObject({
        status: 417,
        code: 'expectation_failed',
      });
    });

    it('answers OPTIONS itself and refuses TRACE, CONNECT and methods that nobody knows, without waking anybody', async () => {
      const options = await exchange(house.port, head('OPTIONS', get));
      expect(options.status).toBe(204);
      expect(options.headers.get('allow')).toContain('PATCH');
      expect(options.raw).not.toMatch(/access-control/i);
      expect(await refused(head('OPTIONS', get))).toMatchObject({ status: 204 });
      expect(await refused(head('TRACE', get))).toMatchObject({ status: 405, code: 'method_not_allowed' });
      expect(await refused(head('PROPFIND', get))).toMatchObject({ status: 405, code: 'method_not_allowed' });
      expect(await refused(head('CONNECT', 'example.org:443'))).toMatchObject({ status: 405 });
    });

    it('serves every upgrade but a websocket as the plain request it is', async () => {
      const h2c = head('GET', get, ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA']);
      const plain = await exchange(house.port, h2c.replace('Connection: close', 'Connection: Upgrade, HTTP2-Settings'));
      expect(plain.status).toBe(200);
      expect(house.tenant.seen.at(-1)?.headers).not.toHaveProperty('http2-settings');
    });

    it('gives each answer, refusals too, the request id of the client or a new one', async () => {
      expect(await refused(head('GET', `${get}//`, ['X-Request-Id: mine-1']))).toMatchObject({ requestId: 'mine-1' });
      const own = await exchange(house.port, head('GET', get, ['X-Request-Id: mine-2']));
      expect(own.headers.get('x-request-id')).toBe('mine-2');
      const odd = await exchange(house.port, head('GET', get, ['X-Request-Id: a b']));
      expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    });

    it('writes one line for it, with its pattern and without its query, id or cookie', async () => {
      house.log.length = 0;
      await exchange(house.port, head('GET', `${get}?q=hidden`, ['X-Request-Id: line']));
      const lines = house.log.filter((line) => line.requestId === 'line');
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject({ event: 'request', method: 'GET', route: get, status: 200, tenant: 'alice' });
      expect(lines[0]?.bytes).toBeGreaterThan(100);
      expect(JSON.stringify(lines)).not.toMatch(/hidden|session=/);
    });
  });

  it('takes back the plain cookie of a browser that holds both, so that its next try works', async () => {
    const answer = await exchange(house.port, head('GET', '/who', [], 'session=alice; __Host-session=alice'));
    expect(answer.headers.get('set-cookie')).toMatch(/^session=; .*Max-Age=0/);
  });

  it('answers bytes that are no HTTP with 400 and hangs up', async () => {
    const socket = connect(house.port, '127.0.0.1');
    socket.write('\x16\x03\x01 what is this\r\n\r\n');
    const answer = parse(await everything(socket, 2000));
    expect(answer).toMatchObject({ status: 400 });
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'bad_request' });
  });

  it('gives no session to a cookie that nobody has, nor to the name for the other scheme', async () => {
    const who = async (cookie: string) =>
      JSON.parse((await exchange(house.port, head('GET', '/who', [], cookie))).body.replace(/^[0-9a-f]+\r\n/, '')) as {
        session: unknown;
      };
    expect((await who('session=alice')).session).toMatchObject({ userId: 'alice' });
    expect((await who('x=1; session=alice; y=2')).session).toMatchObject({ userId: 'alice' });
    expect((await who('session=mallory')).session).toBeNull();
    expect((await who('__Host-session=alice')).session).toBeNull();
    expect((await who('xsession=alice')).session).toBeNull();
    const tenant = await exchange(house.port, head('GET', '/api/v1/todos', [], 'session=mallory'));
    expect(tenant).toMatchObject({ status: 401 });
  });
});
