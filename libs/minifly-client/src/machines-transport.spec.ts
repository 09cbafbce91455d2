import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MachinesTransport, type MachinesClientOptions } from './machines-transport';
import { RateLimits } from './rate-limits';
import { defaultRetry } from './retry';

describe('MachinesTransport', () => {
  const signal = new AbortController().signal;
  let server: Server;
  let respond: (request: IncomingMessage, response: ServerResponse) => void;
  let open: MachinesTransport[];
  let requests: IncomingMessage[];

  beforeEach(() => {
    open = [];
    requests = [];
    server = createServer((request, response) => {
      requests.push(request);
      respond(request, response);
    });
  });

  afterEach(async () => {
    for (const transport of open) await transport.close();
    server.closeAllConnections();
    server.close();
  });

  async function onPort(suffix = '', options: Partial<MachinesClientOptions> = {}): Promise<MachinesTransport> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return opened({ baseUrl: `http://127.0.0.1:${port}${suffix}`, ...options });
  }

  function opened(options: MachinesClientOptions): MachinesTransport {
    const transport = new MachinesTransport({ retry: { ...defaultRetry, baseMs: 1 }, ...options });
    open.push(transport);
    return transport;
  }

  const get = { method: 'GET', path: '/apps/a', repeatable: 'always' } as const;

  it.each(['', '/', '/v1', '/v1/'])(
    'asks under /v1 for a base URL that ends in "%s", with its token',
    async (suffix) => {
      respond = (_, response) => response.end('{"id":"1"}');
      const transport = await onPort(suffix, { token: 'secret' });
      expect(await transport.send({ ...get, query: { state: ['a', 'b'], none: undefined } }, signal)).toEqual({
        id: '1',
      });
      expect(requests[0]?.url).toBe('/v1/apps/a?state=a&state=b');
      expect(requests[0]?.headers.authorization).toBe('Bearer secret');
    },
  );

  it('talks to a Unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'transport-'));
    server.listen(join(folder, 's'));
    await once(server, 'listening');
    respond = (_, response) => response.end('[]');
    expect(await opened({ baseUrl: join(folder, 's') }).send(get, signal)).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  it('makes one error of whatever is refused, with what Fly says to find it again', async () => {
    respond = (_, response) => {
      response.writeHead(422, { 'fly-request-id': '01X' }).end('{"error":"taken","status":"name_taken"}');
    };
    await expect((await onPort()).send(get, signal)).rejects.toMatchObject({
      status: 422,
      reason: 'name_taken',
      requestId: '01X',
      body: { error: 'taken', status: 'name_taken' },
      message: 'GET /apps/a answered 422: taken',
    });
  });

  it('survives an error that is no JSON, and repeats the read until it succeeds', async () => {
    respond = (_, response) => {
      if (requests.length < 3) response.writeHead(502).end('<html>bad gateway</html>');
      else response.end('{}');
    };
    expect(await (await onPort()).send(get, signal)).toEqual({});
    expect(requests).toHaveLength(3);
  });

  it('asks its limits before each try', async () => {
    const taken: string[] = [];
    const sleeper = { now: () => 0, sleep: () => Promise.reject(new Error('nobody sleeps here')) };
    class Limits extends RateLimits {
      override take({ method, path }: { method: string; path: string }) {
        taken.push(`${method} ${path}`);
        return Promise.resolve();
      }
    }
    respond = (_, response) => response.writeHead(requests.length < 2 ? 503 : 200).end('{}');
    await (await onPort('', { limits: new Limits(sleeper) })).send(get, signal);
    expect(taken).toEqual(['GET /apps/a', 'GET /apps/a']);
  });

  it('does not repeat what may have been done', async () => {
    respond = (request) => request.socket.destroy();
    const call = { method: 'POST', path: '/apps/a/volumes', body: {}, repeatable: 'if_refused' } as const;
    await expect((await onPort()).send(call, signal)).rejects.toMatchObject({ reason: 'unavailable', status: 0 });
    expect(requests).toHaveLength(1);
  });

  it('gives up at once, with the reason, when its signal is aborted', async () => {
    respond = () => undefined; // never answers
    const budget = new AbortController();
    const sending = (await onPort()).send(get, budget.signal);
    await once(server, 'request');
    budget.abort(new Error('no time left'));
    await expect(sending).rejects.toThrow('no time left');
  });
});
