import { ExpressAdapter } from '@nestjs/platform-express';
import type { Application, NextFunction, Request, Response } from 'express';
import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { ControlPlaneError } from '../error-codes';
import { hasBody } from '../proxy/request-headers';
import type { Arrival, FrontDoor } from './front-door';
import { answerMalformed } from './malformed';

/** Slow enough for 5 MB on a bad line (10 kB/s), short enough that a client that only dribbles does not stay. */
const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 20_000,
  requestTimeout: 600_000,
  connectionsCheckingInterval: 5_000,
  /** The front door looks itself, so that this failure is answered like every other. */
  requireHostHeader: false,
};
const JSON_LIMIT = '100kb';
const FORM_LIMIT = '256kb';
const IDLE_CHECK_MS = 25;
/** What is still under way then is cut. */
const DRAIN_MS = 10_000;
/** A client that does not close its side of a refused upgrade. */
const HANG_UP_MS = 1000;

/** Nest's HTTP server with the front door before Express: every request goes to `FrontDoor` first, and what is Nest's comes back. */
export class FrontDoorAdapter extends ExpressAdapter {
  private frontDoor: FrontDoor | null = null;
  private readonly refusals = new WeakMap<IncomingMessage, unknown>();

  constructor() {
    super();
    const app = this.getInstance<Application>();
    app.set('etag', false); // pages are not stored; computing one costs a third of the throughput
    app.disable('x-powered-by');
    app.use((request: Request, _response: Response, next: NextFunction) => next(this.refusals.get(request)));
    this.useBodyParser('json', false, { limit: JSON_LIMIT });
    this.useBodyParser('urlencoded', false, { limit: FORM_LIMIT, extended: false });
    app.use((error: unknown, _request: Request, _response: Response, next: NextFunction) => next(inOurWords(error)));
  }

  /** From now on requests are answered. Called once, when the application is put together. */
  open(frontDoor: FrontDoor): void {
    this.frontDoor = frontDoor;
    this.server.on('connection', (socket) => {
      frontDoor.metrics.openConnections.inc();
      socket.once('close', () => frontDoor.metrics.openConnections.dec());
    });
    this.server.on('clientError', (error, socket) => answerMalformed(error, socket, frontDoor));
  }

  override initHttpServer(): void {
    const server = createServer({ ...LIMITS, shouldUpgradeCallback: isWebSocket }, (request, response) =>
      this.receive(request, response, 'plain'),
    );
    server.maxHeadersCount = 0; // Node would drop what is too much without a word; the front door counts
    server.on('checkContinue', (request, response) => this.receive(request, response, 'awaitsContinue'));
    server.on('checkExpectation', (request, response) => this.receive(request, response, 'expectsSomethingElse'));
    server.on('upgrade', (request, socket, head) =>
      this.receiveDetached(request, socket as Socket, head, 'wantsWebSocket'),
    );
    server.on('connect', (request, socket, head) =>
      this.receiveDetached(request, socket as Socket, head, 'wantsTunnel'),
    );
    this.setHttpServer(server);
  }

  /** The parsers are there already, with limits of our own. */
  override registerParserMiddleware(): void {}

  /**
   * Stops listening, ends what has no end of its own and waits until every request under way is answered and its connection closed.
   * Nest runs this before it takes the application apart.
   */
  // eslint-disable-next-line @typescript-eslint/no-misused-promises -- declared void, but Nest waits for it
  override async beforeClose(): Promise<void> {
    super.beforeClose();
    this.frontDoor?.startClosing();
    const { server } = this;
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    const sweep = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
    const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.closeIdleConnections();
    await closed;
    clearInterval(sweep);
    clearTimeout(cut);
  }

  private get server(): Server {
    return this.getHttpServer();
  }

  private receive(request: IncomingMessage, response: ServerResponse, arrival: Arrival): void {
    if (!this.frontDoor) {
      response.writeHead(503, { 'Retry-After': '1' }).end();
      return;
    }
    this.frontDoor.receive(request, response, arrival, this.toExpress);
  }

  /** Node hands over a bare socket for these (on a TCP server it is one); a response on it answers like everywhere else and then hangs up. */
  private receiveDetached(request: IncomingMessage, socket: Socket, head: Buffer, arrival: Arrival): void {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', () => hangUp(socket));
    socket.on('error', () => socket.destroy());
    if (head.length > 0) socket.unshift(head);
    this.receive(request, response, arrival);
  }

  private readonly toExpress = (request: IncomingMessage, response: ServerResponse, error?: unknown): void => {
    if (error !== undefined) this.refusals.set(request, error);
    this.getInstance<Application>()(request, response);
  };
}

/** No timer of Node's looks after such a socket any more. */
function hangUp(socket: Socket): void {
  socket.resume();
  socket.end();
  setTimeout(() => socket.destroy(), HANG_UP_MS).unref();
}

/** Anything else that asks for an upgrade (Java's `h2c`) is served as a plain request; Node would cut it once somebody listens for upgrades. */
function isWebSocket(request: IncomingMessage): boolean {
  return (
    request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket' && !hasBody(request.headers)
  );
}

/** The message of a failed parse is V8's and quotes the body. */
function inOurWords(error: unknown): unknown {
  if ((error as { type?: unknown } | null)?.type !== 'entity.parse.failed') return error;
  return new ControlPlaneError('json_malformed', 'The body is not valid JSON.', { cause: error });
}
