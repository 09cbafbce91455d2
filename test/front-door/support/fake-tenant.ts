import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface Seen {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A tenant's machine as far as the proxy knows one: an HTTP server. Each test says how it answers. */
export class FakeTenant {
  readonly seen: Seen[] = [];
  readonly sockets = new Set<Socket>();
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void = (_request, response) =>
    response.end('hello');
  /** Called as soon as the headers are there; true when it answers itself and the body must not be read here. */
  early: ((request: IncomingMessage, response: ServerResponse) => boolean) | null = null;
  /** What becomes of an upgrade; null serves it as a plain request. */
  upgrade: ((request: IncomingMessage, socket: Duplex, head: Buffer) => void) | null = null;
  private readonly server: Server;

  private constructor() {
    this.server = createServer(
      {
        keepAliveTimeout: 60_000,
        shouldUpgradeCallback: ({ headers }) => this.upgrade !== null && headers.upgrade !== undefined,
      },
      (request, response) => void this.receive(request, response),
    );
    this.server.on('upgrade', (request, socket, head) => {
      this.seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: '' });
      this.upgrade?.(request, socket, head);
    });
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  static async start(): Promise<FakeTenant> {
    const tenant = new FakeTenant();
    await new Promise<void>((resolve) => tenant.server.listen(0, '127.0.0.1', resolve));
    return tenant;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy(); // those too that were upgraded
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: '' };
    this.seen.push(seen);
    if (this.early?.(request, response)) return;
    try {
      for await (const chunk of request) seen.body += (chunk as Buffer).toString('latin1');
    } catch {
      return; // the request was cut
    }
    this.answer(request, response, seen.body);
  }
}
