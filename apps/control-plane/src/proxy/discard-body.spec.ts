import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { discardBody } from './discard-body';

describe('discardBody', () => {
  const LIMITS = { bytes: 1024 * 1024, ms: 15_000 };
  let server: Server;
  let client: Socket;
  const serverSideCloses: Promise<number>[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      const began = performance.now();
      serverSideCloses.push(
        new Promise((resolve) => request.socket.once('close', () => resolve(performance.now() - began))),
      );
      discardBody(request, LIMITS);
      response.writeHead(413).end('too large');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => undefined);
    await new Promise<void>((resolve) => client.once('connect', resolve));
  });
  afterEach(() => client.destroy());

  it('lets a client that is still sending past the limit read its answer, and then cuts it', async () => {
    client.pause(); // busy with sending: it reads when that is done, or held up
    client.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${100 * LIMITS.bytes}\r\n\r\n`);
    client.write(Buffer.alloc(50 * LIMITS.bytes));
    await new Promise((resolve) => setTimeout(resolve, 400));

    const first = new Promise<string>((resolve) => {
      client.once('data', (data) => resolve(data.toString())).once('close', () => resolve('closed'));
    });
    client.resume();
    expect(await first).toMatch(/^HTTP\/1\.1 413 /);
    expect(await serverSideCloses.at(-1)).toBeLessThan(5000);
  });
});
