import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer, type ClientOptions } from 'ws';
import { FrontDoor } from '../../apps/control-plane/src/front-door/front-door';
import { until } from '../support/until';
import { House, textOf } from './support/house';
import { exchange, head } from './support/raw';
import { held } from './support/stand-ins';

const LIVE = '/api/v1/events/live';
const HANDSHAKE = ['Upgrade: websocket', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13'];
const raw = (path: string, lines: string[] = [], cookie?: string) =>
  head('GET', path, [...HANDSHAKE, ...lines], cookie).replace('Connection: close', 'Connection: Upgrade');

describe('WebSockets through the front door', () => {
  let house: House;
  let server: WebSocketServer;
  /** The tenant's ends of the sockets. */
  let theirs: WebSocket[];
  /** Theirs, as far as TCP goes. */
  let sockets: Duplex[];

  beforeEach(async () => {
    house = await House.open({ timings: { stallMs: 600, heartbeatMs: 15_000 } });
    server = new WebSocketServer({
      noServer: true,
      perMessageDeflate: true,
      maxPayload: 64 * 1024 * 1024,
      handleProtocols: (offered) => [...offered][0] ?? false,
    });
    server.on('headers', (headers: string[]) => headers.push('Set-Cookie: session=stolen', 'X-Tenant: secret'));
    theirs = [];
    sockets = [];
    house.tenant.upgrade = (request, socket, first) => {
      sockets.push(socket);
      server.handleUpgrade(request, socket, first, (webSocket) => {
        theirs.push(webSocket);
        webSocket.on('error', () => undefined);
        webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
      });
    };
  });

  afterEach(async () => {
    for (const webSocket of server.clients) webSocket.terminate();
    await until(async () => (await house.gauge('openConnections')) === 0, { what: 'no open connection' });
    expect([house.gates.open, await house.gauge('proxiedOpen')]).toEqual([0, 0]);
    await house.close();
    expect(house.tenant.sockets.size).toBe(0);
  });

  const socketTo = (path = LIVE, options: ClientOptions = {}, protocols: string[] = []) => {
    const headers = { cookie: 'session=alice', ...options.headers };
    const client = new WebSocket(`ws://127.0.0.1:${house.port}${path}`, protocols, { ...options, headers });
    client.on('error', () => undefined);
    return client;
  };
  const opened = async (...args: Parameters<typeof socketTo>) => {
    const client = socketTo(...args);
    await once(client, 'open');
    return client;
  };
  const refusal = async (...args: Parameters<typeof socketTo>) => {
    const [, answer] = (await once(socketTo(...args), 'unexpected-response')) as [unknown, IncomingMessage];
    const body = await textOf(answer);
    return { status: answer.statusCode, code: (JSON.parse(body) as { code?: string }).code, headers: answer.headers };
  };
  const closed = (client: WebSocket) =>
    client.readyState === WebSocket.CLOSED
      ? Promise.resolve()
      : new Promise((resolve) => client.once('close', resolve));
  const rawSocket = async (bytes: string): Promise<Socket> => {
    const socket = connect({ port: house.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.write(bytes, 'latin1');
    await once(socket, 'connect');
    return socket;
  };

  it('carries frames both ways, with the tenant token and none of the client’s identity', async () => {
    const headers = { 'x-user-id': 'bob', 'x-forwarded-for': '6.6.6.6', 'x-request-id': 'mine-7' };
    const client = socketTo(`${LIVE}?room=1`, { headers }, ['chat', 'other']);
    const [[answer]] = (await Promise.all([once(client, 'upgrade'), once(client, 'open')])) as [
      [IncomingMessage],
      unknown,
    ];
    expect(client.protocol).toBe('chat');
    expect(client.extensions).toContain('permessage-deflate');
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(answer.headers).not.toHaveProperty('x-tenant');
    expect(answer.headers['x-request-id']).toBe('mine-7');
    client.send('hello');
    expect(String((await once(client, 'message'))[0])).toBe('hello');

    const [seen] = house.tenant.seen;
    expect(seen).toMatchObject({
      method: 'GET',
      url: '/events/live?room=1',
      headers: { authorization: 'Bearer token-of-alice', 'x-forwarded-for': '127.0.0.1', upgrade: 'websocket' },
    });
    expect(seen?.headers).not.toHaveProperty('cookie');
    expect(seen?.headers).not.toHaveProperty('x-user-id');
    expect([house.gates.open, await house.gauge('proxiedOpen')]).toEqual([1, 1]);
    client.close(1000, 'done');
    await closed(client);
    await until(() => house.log.some((line) => line.event === 'request' || line.msg === 'request'));
    expect(house.log.find((line) => line.requestId === 'mine-7')).toMatchObject({
      route: '/api/v1/events/*',
      status: 101,
      tenant: 'alice',
    });
  });

  it('carries 20 MB to a slow reader whole, holding the tenant back meanwhile', async () => {
    const client = await opened(LIVE, { perMessageDeflate: false });
    const big = randomBytes(20 * 1024 * 1024);
    client.pause();
    theirs[0]?.send(big);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((sockets[0] as Socket).writableLength).toBeGreaterThan(4 * 1024 * 1024); // it waits at the tenant
    client.resume();
    const [data] = (await once(client, 'message')) as [Buffer];
    expect(data.equals(big)).toBe(true);
    client.close();
    await closed(client);
  });

  it('passes every other answer on as the answer it is', async () => {
    house.tenant.upgrade = null;
    for (const status of [200, 404, 426, 503]) {
      house.tenant.answer = (_request, response) => {
        response.writeHead(status, { 'content-type': 'application/problem+json', 'set-cookie': 'a=b' });
        response.end('{"code":"not_here"}');
      };
      const answer = await refusal();
      expect(answer).toMatchObject({ status, code: 'not_here' });
      expect(answer.headers).not.toHaveProperty('set-cookie');
    }
  });

  it('refuses who is not signed in, another origin, a token that may do half, and a path that is not the tenant’s', async () => {
    expect(await refusal(LIVE, { headers: { cookie: '' } })).toMatchObject({ status: 401, code: 'unauthenticated' });
    for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:${house.port + 1}`]) {
      expect(await refusal(LIVE, { origin })).toMatchObject({ status: 403, code: 'cross_site' });
    }
    const site = { 'sec-fetch-site': 'same-site' };
    expect(await refusal(LIVE, { headers: site })).toMatchObject({ status: 403, code: 'cross_site' });
    for (const scope of ['todos:read', 'todos:write', 'account']) {
      const headers = { cookie: '', authorization: `Bearer alice|${scope}` };
      expect(await refusal(LIVE, { headers })).toMatchObject({ status: 403, code: 'insufficient_scope' });
    }
    expect(await refusal('/who')).toMatchObject({ status: 501, code: 'upgrade_not_supported' });
    expect((await exchange(house.port, raw(`${LIVE}/%2e%2e/x`))).status).toBe(400);
    expect(house.gates.entered).toEqual([]);
    expect(house.tenant.seen).toEqual([]);
  });

  it('lets in the same origin, and a token with both scopes from anywhere', async () => {
    const own = await opened(LIVE, { origin: `http://127.0.0.1:${house.port}` });
    const headers = { cookie: '', authorization: 'Bearer bob|todos:read,todos:write' };
    const script = await opened(LIVE, { headers, origin: 'https://elsewhere.example' });
    expect(house.gates.entered).toEqual(['alice', 'bob']);
    own.close();
    script.close();
    await Promise.all([closed(own), closed(script)]);
  });

  it('waits for a tenant that wakes, keeps what was sent meanwhile, and forgets who left', async () => {
    const wake = held<void>();
    house.gates.next.push(async (proceed) => (await wake.promise, proceed()));
    const early = randomBytes(4);
    const mask = Buffer.from([0x82, 0x84, 0, 0, 0, 0]);
    const socket = await rawSocket(raw(LIVE) + Buffer.concat([mask, early]).toString('latin1')); // a binary frame in the same packet
    await until(() => house.gates.entered.length === 1);
    let answer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => (answer = Buffer.concat([answer, chunk])));
    wake.release();
    await until(() => answer.includes(early), { what: 'the echo' });
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 101 /);
    socket.destroy();

    const never = held<void>();
    house.gates.next.push(async (proceed, signal) => {
      await Promise.race([never.promise, once(signal, 'abort')]);
      return signal.aborted ? { outcome: 'timedOut', retryAfterSeconds: 1 } : proceed();
    });
    const leaver = await rawSocket(raw(LIVE));
    await until(() => house.gates.waiting.length === 2);
    leaver.resetAndDestroy();
    await until(() => house.gates.waiting[1]?.aborted ?? false, { what: 'the end of its wait' });
    expect(house.tenant.seen).toHaveLength(1);
  });

  it('keeps what is sent while the tenant wakes in its bounds, and loses none of it', async () => {
    const wake = held<void>();
    house.gates.next.push(async (proceed) => (await wake.promise, proceed()));
    const payload = randomBytes(3 * 1024 * 1024);
    const frame = Buffer.alloc(14); // binary, whole, masked with zeros, its length in 64 bits
    frame.set([0x82, 0xff]);
    frame.writeBigUInt64BE(BigInt(payload.length), 2);
    const socket = await rawSocket(raw(LIVE));
    socket.write(Buffer.concat([frame, payload]));
    await until(() => house.gates.entered.length === 1);
    let bytes = 0;
    let last = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      last = Buffer.concat([last, chunk]).subarray(-64);
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(house.tenant.seen).toHaveLength(0);
    wake.release();
    await until(() => bytes > payload.length && last.equals(payload.subarray(-64)), { what: 'the echo' });
    socket.destroy();
  });

  it('ends at once with its session and with its token, also while it waits', async () => {
    const client = await opened();
    const headers = { cookie: '', authorization: 'Bearer alice|todos:read,todos:write' };
    const script = await opened(LIVE, { headers });
    house.gates.next.push(() => held<never>().promise);
    const waiting = socketTo();
    await until(() => house.gates.entered.length === 3);
    house.sessions.end('alice');
    await Promise.all([closed(client), closed(waiting)]);
    expect(script.readyState).toBe(WebSocket.OPEN);
    house.tokens.end('alice');
    await closed(script);
    await until(() => theirs.every((their) => their.readyState === WebSocket.CLOSED));
  });

  it('ends after a silence in both directions, which a ping breaks', async () => {
    const quiet = await opened();
    const lively = await opened();
    const pings = setInterval(() => lively.ping(), 100);
    await closed(quiet);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(lively.readyState).toBe(WebSocket.OPEN);
    clearInterval(pings);
    lively.close();
    await closed(lively);
  });

  it('ends with the tenant, with the client, and with each half of them', async () => {
    const vanished = await opened();
    (sockets[0] as Socket).resetAndDestroy();
    await closed(vanished);

    const ended = await opened();
    (sockets[1] as Socket).end();
    await closed(ended);

    const reset = await rawSocket(raw(LIVE));
    await once(reset, 'data');
    reset.resetAndDestroy();
    await until(() => theirs[2]?.readyState === WebSocket.CLOSED, { what: 'the end after a reset' });

    const half = await rawSocket(raw(LIVE));
    await once(half, 'data');
    half.end();
    await until(() => theirs[3]?.readyState === WebSocket.CLOSED, { what: 'the end after a half-close' });
    await until(() => house.gates.open === 0);
  });

  it('takes 32 of one tenant, and others beside them', async () => {
    const keepAlive = setInterval(() => theirs.forEach((their) => their.ping()), 100);
    const all = await Promise.all(Array.from({ length: 32 }, () => opened()));
    expect(await refusal()).toMatchObject({ status: 429, code: 'too_many_streams' });
    const bob = await opened(LIVE, { headers: { cookie: 'session=bob' } });
    all[0]?.close();
    await closed(all[0] as WebSocket);
    await until(() => house.gates.open === 32);
    all.push(await opened(), bob);
    clearInterval(keepAlive);
    for (const client of all) client.terminate();
  });

  it('leaves the pool to other requests while many are open', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => opened()));
    const answers = await Promise.all(Array.from({ length: 70 }, () => house.get('/api/v1/todos')));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    for (const client of all) client.terminate();
  });

  it('goes again where another tenant’s machine answered, and says 502 where the tenant cuts the handshake', async () => {
    const { upgrade } = house.tenant;
    house.tenant.upgrade = (_request, socket) => {
      house.tenant.upgrade = upgrade;
      socket.end('HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    };
    const client = await opened();
    expect(house.gates.distrusted).toHaveLength(1);
    client.close();
    await closed(client);
    house.tenant.upgrade = (_request, socket) => void socket.destroy();
    expect(await refusal()).toMatchObject({ status: 502, code: 'tenant_unreachable' });
  });

  it('is a plain request where it is no handshake: not GET, or with a body', async () => {
    const post = raw(LIVE, ['Content-Length: 0']).replace(/^GET/, 'POST');
    expect((await exchange(house.port, post)).status).toBe(200);
    expect(house.tenant.seen.at(-1)?.headers).not.toHaveProperty('upgrade');
  });

  it('ends them when the process closes', async () => {
    const clients = await Promise.all([opened(), opened()]);
    house.app.get(FrontDoor).startClosing();
    await Promise.all(clients.map(closed));
  });
});
