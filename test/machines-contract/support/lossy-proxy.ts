import { createServer, request as forward, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** Passes requests on to a Unix socket; of those that it is told to lose, the work is done and the answer never arrives. */
export class LossyProxy {
  lost = 0;
  readonly #server: Server;
  #losing: { left: number; method: string; path: RegExp } | undefined;

  static async start(socketPath: string): Promise<LossyProxy> {
    const proxy = new LossyProxy(socketPath);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(socketPath: string) {
    this.#server = createServer((request, response) => {
      const { method, url: path, headers } = request;
      const upstream = forward({ socketPath, method, path, headers }, (answer) => {
        if (this.#loses(method ?? '', path ?? '')) {
          answer.resume();
          answer.once('end', () => request.socket.destroy());
          return;
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      upstream.once('error', () => request.socket.destroy());
      request.pipe(upstream);
    });
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  loseAnswers(count: number, method: string, path: RegExp): void {
    this.#losing = { left: count, method, path };
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #loses(method: string, path: string): boolean {
    const losing = this.#losing;
    if (!losing || losing.left === 0 || losing.method !== method || !losing.path.test(path)) return false;
    losing.left -= 1;
    this.lost += 1;
    return true;
  }
}
