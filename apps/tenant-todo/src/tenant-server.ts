import { toProblem } from '@app/common/errors/problem';
import { requestIdFrom } from '@app/common/http/request-id';
import type { TenantClaims } from '@app/common/tenant-token/claims';
import { createTokenVerifier } from '@app/common/tenant-token/verify';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Request } from 'express';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkAccess } from './access/access';
import { Tenure } from './access/tenure';
import { AppModule, type TenantParts } from './app.module';
import { publicKeysOf } from './config';
import { ERROR_STATUSES } from './error-codes';
import { EventStreams } from './events/event-streams';
import { logWhenDone } from './http/access-log';
import { setRequestContext } from './http/request-context';
import { sendProblem, sendProblemAndClose } from './http/send-problem';
import { drainBody, isWorthReading } from './http/unread-body';
import { nestLogger } from './nest-logger';
import { Trash } from './todos/trash';

/** Longer than the control plane's pool keeps a connection: it must never send into one that is closing here. */
const KEEP_ALIVE_MS = 75_000;
/** Nothing in either direction for so long: the client is gone. */
const STALLED_MS = 60_000;
/** What has begun under a good token may end after it: a picture over a slow line takes longer than a token lives. */
const GRACE_AFTER_EXPIRY_MS = 5 * 60_000;
/** After another machine has taken over: who is on the way here still hears 421, and goes there. */
const FAREWELL_MS = 200;

export interface TenantServer {
  /** Not listening yet. */
  server: Server;
  /** Lets no new connection in, waits for the running requests, and cuts those that take longer than `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>;
}

/**
 * Access is checked on each request's head before Nest, and before a byte of a body, is looked at. `onSuperseded` is
 * called once after a token of a higher epoch was seen: what was let in before has been cut off, unanswered, and the rest got 421.
 */
export async function createTenantServer(
  parts: TenantParts,
  onSuperseded: () => void = () => undefined,
): Promise<TenantServer> {
  const app = await createApp(parts);
  const handle = app.getHttpAdapter().getInstance() as RequestListener; // Express is a request listener
  const verifier = createTokenVerifier(publicKeysOf(parts.config), parts.clock);
  const identity = { ...parts.config, databaseId: parts.database.databaseId };
  const tenure = new Tenure(parts.config.role, parts.config.epoch);
  const admitted = new Set<ServerResponse>();
  let superseded: NodeJS.Timeout | undefined;

  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    const requestId = requestIdFrom(request.headers['x-request-id']);
    const context = { requestId, expiresAt: 0 };
    setRequestContext(request, context);
    // `fetch` adds `no-cache` to every `If-None-Match`, and Express then never answers 304. It is meant for caches, not for an origin.
    delete request.headers['cache-control'];
    setCommonHeaders(response, requestId);
    logWhenDone(request as Request, response, parts.log, parts.metrics); // Express makes it one by its prototype
    checkAccess(request, verifier, identity, tenure).then(
      (claims) => {
        admitted.add(response);
        response.once('close', () => admitted.delete(response));
        if (claims) {
          context.expiresAt = claims.exp * 1000;
          endAfterExpiry(claims, response, parts.clock.now());
        }
        if (request.headers.expect !== undefined) response.writeContinue(); // only now may the client send its body
        handle(request, response);
      },
      (error: unknown) => {
        if (tenure.isOver) {
          parts.readiness.isDraining = true;
          for (const other of admitted) other.destroy();
          superseded ??= setTimeout(onSuperseded, FAREWELL_MS);
        }
        refuse(error, request, response, requestId);
      },
    );
  };
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, onRequest);
  server.on('checkContinue', onRequest);
  server.setTimeout(STALLED_MS);
  const streams = app.get(EventStreams);
  const trash = app.get(Trash);
  trash.start();
  return {
    server,
    drain: (deadlineMs) => {
      trash.stop();
      streams.close();
      return drain(server, deadlineMs);
    },
  };
}

async function createApp(parts: TenantParts): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule.with(parts), new ExpressAdapter(), {
    bodyParser: false, // bodies are read where a route wants them
    abortOnError: false,
    logger: nestLogger(parts.log),
  });
  const adapter = app.getHttpAdapter() as ExpressAdapter;
  adapter.disable('x-powered-by');
  adapter.set('etag', false); // ours name the database
  return app.init();
}

function setCommonHeaders(response: ServerResponse, requestId: string): void {
  response.setHeader('X-Request-Id', requestId);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Cache-Control', 'private, no-cache');
}

/** Answers at once, so that a proxy can send the request elsewhere; what the client had begun to send is read away behind it. */
function refuse(error: unknown, request: IncomingMessage, response: ServerResponse, requestId: string): void {
  // A body that was asked for and not taken: what comes next on this connection could be that body or another request.
  if (request.headers.expect !== undefined) response.setHeader('Connection', 'close');
  const problem = toProblem(error, ERROR_STATUSES, requestId);
  if (!isWorthReading(request)) return void sendProblemAndClose(request, response, problem, error);
  // Begun before the answer, since Node itself discards an unread body after it, without a bound.
  void drainBody(request).then((isWhole) => isWhole || request.destroy());
  sendProblem(response, problem, error);
}

function endAfterExpiry({ exp }: TenantClaims, response: ServerResponse, now: number): void {
  const timer = setTimeout(() => response.destroy(), exp * 1000 - now + GRACE_AFTER_EXPIRY_MS);
  response.once('close', () => clearTimeout(timer));
}

async function drain(server: Server, deadlineMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const deadline = AbortSignal.timeout(deadlineMs);
  let isClosed = false;
  void closed.then(() => (isClosed = true));
  while (!isClosed && !deadline.aborted) {
    server.closeIdleConnections(); // again and again: a connection turns idle when its request ends
    await Promise.race([closed, sleep(20)]);
  }
  server.closeAllConnections();
  await closed;
}
