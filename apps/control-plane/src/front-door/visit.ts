import { PROBLEM_CONTENT_TYPE, isBug, toProblem } from '@app/common/errors/problem';
import { requestIdFrom } from '@app/common/http/request-id';
import type { Logger } from '@app/common/logging/logger';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ERROR_STATUSES } from '../error-codes';
import type { Metrics } from '../observability/metrics';
import { discardBody } from '../proxy/discard-body';
import { wantsPage } from './accept';
import { challengeOf } from './challenge';
import { setContext, type RequestContext, type SignedIn } from './request-context';
import { ALLOWED_METHODS } from './request-checks';

/** Answers through Nest: with `error`, by its exception filter and nothing before it. */
export type NestHandler = (request: IncomingMessage, response: ServerResponse, error?: unknown) => void;

/** What every visit needs. */
export interface House {
  log: Logger;
  metrics: Metrics;
  visits: Set<Visit>;
  setSecurityHeaders: (request: IncomingMessage, response: ServerResponse) => void;
}

/** One request's time in the front door: its context, its place in the counts, its line in the log. */
export class Visit implements RequestContext {
  readonly requestId: string;
  clientAddress = '';
  isSecure = false;
  /** It is a WebSocket's handshake. */
  wantsWebSocket = false;
  session: SignedIn | null = null;
  route: string | undefined = undefined;
  errorCode: string | undefined = undefined;
  sendContinue: (() => void) | undefined = undefined;
  endStream: (() => void) | undefined = undefined;

  private readonly startedAt = performance.now();
  private readonly bytesBefore: number;

  constructor(
    private readonly house: House,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    private readonly nest: NestHandler,
  ) {
    this.requestId = requestIdFrom(request.headers['x-request-id']);
    this.bytesBefore = request.socket.bytesWritten;
    setContext(request, this);
    house.visits.add(this);
    response.on('close', () => this.end());
  }

  /** Answers with a failure: for a browser as a page, else as a problem. Only while no header was sent. */
  refuse(error: unknown): void {
    if (this.response.headersSent) {
      this.response.destroy();
    } else if (wantsPage(this.request)) {
      this.toNest(error);
    } else {
      this.sendProblem(error);
    }
  }

  /** Hands the request to Nest, with the headers that every answer of its own has. */
  toNest(error?: unknown): void {
    const { request, response } = this;
    response.setHeader('X-Request-Id', this.requestId);
    response.setHeader('Cache-Control', 'no-store'); // static files set their own
    this.house.setSecurityHeaders(request, response);
    this.nest(request, response, error);
  }

  /** Ends an answer that goes on for ever; others are left to finish. */
  endIfStream(): void {
    if (this.endStream) return this.endStream();
    const type = this.response.getHeader('content-type');
    if (typeof type === 'string' && type.startsWith('text/event-stream')) this.response.end();
  }

  private sendProblem(error: unknown): void {
    const problem = toProblem(error, ERROR_STATUSES, this.requestId);
    this.errorCode = problem.code;
    if (isBug(problem)) this.house.log.error({ error, requestId: this.requestId }, 'request.failed');
    const body = Buffer.from(JSON.stringify(problem));
    const retryAfter = (error as { retryAfterSeconds?: number } | null)?.retryAfterSeconds;
    this.response.setHeader('X-Request-Id', this.requestId);
    this.response.setHeader('Content-Type', PROBLEM_CONTENT_TYPE);
    this.response.setHeader('Content-Length', body.length);
    this.response.setHeader('Cache-Control', 'no-store');
    this.house.setSecurityHeaders(this.request, this.response);
    if (retryAfter !== undefined) this.response.setHeader('Retry-After', Math.max(1, Math.ceil(retryAfter)));
    const challenge = challengeOf(problem);
    if (challenge !== null) this.response.setHeader('WWW-Authenticate', challenge);
    if (problem.status === 405) this.response.setHeader('Allow', ALLOWED_METHODS);
    if (problem.code === 'bad_headers') this.response.shouldKeepAlive = false; // where one request ends and the next begins is in doubt
    this.response.writeHead(problem.status);
    this.response.end(body);
    discardBody(this.request);
  }

  private end(): void {
    const { request, response, house } = this;
    house.visits.delete(this);
    const wasCut = !response.writableFinished && response.statusCode !== 101; // a WebSocket ends as it ends
    const status = response.headersSent ? response.statusCode : 499;
    const seconds = (performance.now() - this.startedAt) / 1000;
    const route = this.route ?? patternOf(request) ?? 'unmatched';
    const method = request.method ?? '';
    house.metrics.httpRequests.inc({ route, method, status });
    house.metrics.httpSeconds.observe({ route }, seconds);
    const line = {
      method,
      route,
      status,
      ms: Math.round(seconds * 10_000) / 10,
      bytes: request.socket.bytesWritten - this.bytesBefore,
      requestId: this.requestId,
      tenant: this.session?.userId,
      code: this.errorCode,
      cut: wasCut || undefined,
    };
    if (this.errorCode === undefined) house.log.info(line, 'request');
    else house.log.warn(line, 'request');
  }
}

/** The pattern of the route that Express chose. */
function patternOf(request: IncomingMessage): string | undefined {
  const { route } = request as { route?: { path?: unknown } };
  return typeof route?.path === 'string' ? route.path : undefined;
}
