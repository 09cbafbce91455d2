import { createServer, request as forward, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/**
 * Passes requests on to a Machines API. Of those that it is told to lose, the work is done and the answer never arrives;
 * those that it is told to hold arrive late.
 */
export class LossyProxy {
  lost = 0;
  readonly #server: Server;
  #holding: { ms: number; request: RegExp } | undefined;
  #losing: { left: number; method: string; path: RegExp } | undefined;

  static async start(baseUrl: string): Promise<LossyProxy> {
    const proxy = new LossyProxy(baseUrl);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(baseUrl: string) {
    const target = /^http:/.test(baseUrl)
      ? { host: '127.0.0.1', port: new URL(baseUrl).port }
      : { socketPath: baseUrl };
    this.#server = createServer((request, response) => {
      const { method, url: path, headers } = request;
      const upstream = forward({ ...target, method, path, headers }, (answer) => {
        if (this.#loses(method ?? '', path ?? '')) {
          answer.resume();
          answer.once('end', () => request.socket.destroy());
          return;
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      upstream.once('error', () => request.socket.destroy());
      const holding = this.#holding?.request.test(`${method} ${path}`) ? this.#holding : undefined;
      setTimeout(() => request.pipe(upstream), holding?.ms ?? 0);
    });
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  loseAnswers(count: number, method: string, path: RegExp): void {
    this.#losing = { left: count, method, path };
  }

  /** By method and path, as in `GET /v1/apps`. */
  holdRequests(ms: number, request: RegExp): void {
    this.#holding = { ms, request };
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
