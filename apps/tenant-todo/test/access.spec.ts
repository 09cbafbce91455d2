import { createTokenSigner } from '@app/common/tenant-token/sign';
import { get, type IncomingMessage } from 'node:http';
import { createConnection } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { APP_NAME, startTenant, TENANT_ID, type RunningTenant } from './running-tenant';

interface Answer {
  status: number;
  code?: string;
}

describe('access to a tenant', () => {
  let tenant: RunningTenant;
  beforeAll(async () => {
    tenant = await startTenant();
  });
  afterAll(() => tenant.close());

  async function answerTo(authorization: string | undefined): Promise<Answer> {
    const response = await fetch(`${tenant.url}/todos`, { headers: authorization ? { authorization } : {} });
    const { code } = (await response.json()) as { code?: string };
    return { status: response.status, code };
  }

  it('lets a good token in', async () => {
    expect(await answerTo(`Bearer ${await tenant.token()}`)).toEqual({ status: 200, code: undefined });
  });

  it.each([undefined, '', 'Bearer', 'Bearer ', 'Basic dTpw', 'bearer  a b'])(
    'asks for a token instead of %p',
    async (header) => {
      const response = await fetch(`${tenant.url}/todos`, { headers: header ? { authorization: header } : {} });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(await response.json()).toMatchObject({ code: 'token_missing', status: 401 });
    },
  );

  it('tells an expired token and an unknown key apart from a forged one', async () => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { aud: APP_NAME, sub: TENANT_ID, dbid: tenant.databaseId, epoch: 1, iat: now, exp: now + 60 };
    const stranger = await createTokenSigner(['of somebody else']).sign(claims);
    const [header, payload, signature] = (await tenant.token()).split('.') as [string, string, string];
    const altered = Buffer.from(JSON.stringify({ ...claims, exp: now + 9999 })).toString('base64url');
    const unsigned = Buffer.from('{"alg":"none","typ":"tenant+jwt"}').toString('base64url');

    expect(await answerTo(`Bearer ${await tenant.token({ exp: now - 1 })}`)).toEqual({
      status: 401,
      code: 'token_expired',
    });
    expect(await answerTo(`Bearer ${stranger}`)).toEqual({ status: 401, code: 'unknown_key' });
    for (const forged of [
      `${header}.${altered}.${signature}`,
      `${unsigned}.${payload}.`,
      `${header}.${payload}.`,
      'nonsense',
    ]) {
      expect(await answerTo(`Bearer ${forged}`)).toEqual({ status: 401, code: 'token_invalid' });
    }
  });

  it.each([{ sub: 'another-user' }, { aud: 'todo-user-ffffffff' }, { dbid: 'another-database' }])(
    'sends a good token with %p away with 421',
    async (claims) => {
      expect(await answerTo(`Bearer ${await tenant.token(claims)}`)).toEqual({ status: 421, code: 'wrong_tenant' });
    },
  );

  it('accepts its own epoch alone, and sends what is older away with 421', async () => {
    const later = await startTenant({ env: { TENANT_EPOCH: '4' } });
    const ask = async (epoch: number, method: string) => {
      const headers = { authorization: `Bearer ${await later.token({ epoch })}`, 'content-type': 'application/json' };
      const body = method === 'POST' ? '{"title":"x"}' : undefined;
      const response = await fetch(`${later.url}/todos`, { method, headers, body });
      return { status: response.status, code: ((await response.json()) as { code?: string }).code };
    };
    for (const method of ['GET', 'POST']) expect(await ask(3, method)).toEqual({ status: 421, code: 'wrong_epoch' });
    expect(await ask(4, 'POST')).toEqual({ status: 201, code: undefined });
    expect(later.supersededTimes).toBe(0);
    await later.close();
  });

  it('serves nobody any more once a token named a higher epoch, and cuts off what it was about to answer', async () => {
    const stale = await startTenant();
    const authorization = `Bearer ${await stale.token()}`;
    const pending = createConnection(stale.port, '127.0.0.1').on('error', () => undefined);
    const cutOff = once(pending, 'close');
    let answer = '';
    pending.on('data', (data: Buffer) => (answer += data.toString()));
    pending.write(
      `POST /todos HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"title"`,
    );
    await sleep(100);
    const higher = { authorization: `Bearer ${await stale.token({ epoch: 2 })}` };
    expect((await fetch(`${stale.url}/todos`, { headers: higher })).status).toBe(421);
    await cutOff;
    expect(answer).toBe('');
    expect((await fetch(`${stale.url}/todos`, { headers: { authorization } })).status).toBe(421);
    expect((await fetch(`${stale.url}/readyz`)).status).toBe(503);
    while (stale.supersededTimes === 0) await sleep(20);
    await sleep(300);
    expect(stale.supersededTimes).toBe(1);
    await stale.close();
  });

  it('asks for a token on every path but the three of the operator', async () => {
    for (const path of ['/', '/nothing', '/todos/x/image', '/readyz/', '/healthz/../todos', '//readyz', '/METRICS']) {
      expect(await statusOf(path)).toBe(401);
    }
    expect(await (await fetch(`${tenant.url}/healthz`)).json()).toEqual({ status: 'ok' });
    expect(await (await fetch(`${tenant.url}/readyz?x=1`)).json()).toEqual({
      tenantId: TENANT_ID,
      databaseId: tenant.databaseId,
      schemaVersion: tenant.database.schemaVersion,
    });
    expect(await (await fetch(`${tenant.url}/metrics`)).text()).toMatch(/tenant_http_request_duration_seconds_count\{/);
  });

  it('answers 421 while the client still holds its body back, and never asks for it', async () => {
    const received = await sendHead(await tenant.token({ sub: 'another-user' }));
    expect(received).toMatch(/^HTTP\/1\.1 421 /);
    expect(received).not.toContain('100 Continue');
    expect(received).toContain('Connection: close');
  });

  it('asks for a body that is held back once the token was found good', async () => {
    expect(await sendHead(await tenant.token())).toMatch(/^HTTP\/1\.1 100 Continue/);
  });

  it('answers 421 to a client that goes on sending, and the client sees it', async () => {
    const response = await tenant.send('/todos', {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await tenant.token({ sub: 'another-user' })}`,
        'content-type': 'application/json',
      },
      body: 'x'.repeat(4 * 1024 * 1024),
    });
    expect(response.status).toBe(421);
  });

  it('reads away only so much of what a refused client goes on sending', async () => {
    const socket = createConnection(tenant.port, '127.0.0.1');
    socket.write('POST /todos HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    let received = '';
    socket.on('data', (data: Buffer) => (received += data.toString())).on('error', () => undefined);
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(1024 * 1024), Buffer.from('\r\n')]);
    let sent = 0;
    while (!socket.destroyed && sent < 200) {
      sent += 1;
      if (!socket.write(chunk))
        await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => undefined);
    }
    expect(received).toMatch(/^HTTP\/1\.1 401 /);
    expect(sent).toBeLessThan(40);
  });

  it('writes one line a request, with its id and tenant, and never the token', async () => {
    const token = await tenant.token();
    await fetch(`${tenant.url}/todos/none`, {
      headers: { authorization: `Bearer ${token}`, 'x-request-id': 'ours-1' },
    });
    const lines = tenant.logLines.filter((line) => line.includes('ours-1'));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      event: 'request',
      tenant: TENANT_ID,
      method: 'GET',
      route: '/todos/:id',
      status: 404,
    });
    expect(tenant.logLines.join('')).not.toContain(token);
  });

  /** The path as it stands; `fetch` would normalise it. */
  async function statusOf(path: string): Promise<number | undefined> {
    const [response] = (await once(get({ port: tenant.port, path, agent: false }), 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  }

  /** Sends a head that promises a body, and gives what comes back within a moment. */
  async function sendHead(token: string): Promise<string> {
    const socket = createConnection(tenant.port, '127.0.0.1');
    socket.write(
      `POST /todos HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n` +
        'Content-Length: 13\r\nExpect: 100-continue\r\n\r\n',
    );
    const [data] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return data.toString();
  }
});

describe('a token that expires while it is in use', () => {
  it('is refused from then on, although it was good before', async () => {
    let now = Date.now();
    const tenant = await startTenant({ clock: { now: () => now } });
    const token = await tenant.token();
    const get = () => fetch(`${tenant.url}/todos`, { headers: { authorization: `Bearer ${token}` } });
    expect((await get()).status).toBe(200);
    now += 61_000;
    expect((await get()).status).toBe(401);
    await tenant.close();
  });

  it.each([
    [4, 'is let finish what it began'],
    [6, 'is cut off'],
  ])('%i minutes ago %s', async (minutes) => {
    const start = Date.now();
    let looks = 0;
    const now = () => (looks++ === 0 ? start : start + 60_000 + minutes * 60_000); // verified in time, then time passes
    const tenant = await startTenant({ clock: { now } });
    const socket = createConnection(tenant.port, '127.0.0.1');
    socket.write(
      `POST /todos HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await tenant.token()}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 13\r\n\r\n{"titl',
    );
    const closed = once(socket, 'close').then(() => 'cut off');
    const goesOn = new Promise((resolve) => setTimeout(resolve, 300)).then(() => 'goes on');
    expect(await Promise.race([closed, goesOn])).toBe(minutes > 5 ? 'cut off' : 'goes on');
    socket.destroy();
    await tenant.close();
  });
});
