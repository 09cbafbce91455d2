import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from '@app/common/logging/logger';
import type { Clock } from '@app/common/time/clock';
import { ApiError, invalid } from './api-error';
import { readJson } from './http-body';
import { newUlid } from './ids';
import type { ApiResponse, Route } from './routes';

export interface ApiServerOptions {
  routes: Route[];
  clock: Clock;
  log: Logger;
  /** Throws an ApiError for a request that must not come in. */
  admit: (request: IncomingMessage) => void;
}

/** The HTTP side: finds the route, reads and writes JSON, turns errors into Fly's bodies, logs one line a request. */
export function createApiServer(options: ApiServerOptions): Server {
  const server = createServer((request, response) => void serve(request, response, options));
  server.keepAliveTimeout = 75_000; // longer than a client keeps an idle connection, so that none is cut under a request
  return server;
}

async function serve(request: IncomingMessage, response: ServerResponse, options: ApiServerOptions): Promise<void> {
  const startedAt = performance.now();
  const requestId = newUlid(options.clock.now());
  let answer: ApiResponse;
  try {
    answer = await answerTo(request, response, options);
  } catch (error) {
    if (!(error instanceof ApiError)) options.log.error({ requestId, url: request.url, error }, 'request.failed');
    answer =
      error instanceof ApiError
        ? { status: error.status, body: error.toBody() }
        : { status: 500, body: { error: 'internal: see the log of the platform' } };
  }
  if (!response.destroyed) send(request, response, answer, requestId);
  const ms = Math.round((performance.now() - startedAt) * 10) / 10;
  options.log.debug({ requestId, method: request.method, url: request.url, status: answer.status, ms }, 'request');
}

async function answerTo(
  request: IncomingMessage,
  response: ServerResponse,
  options: ApiServerOptions,
): Promise<ApiResponse> {
  options.admit(request);
  const url = parseTarget(request.url ?? '/');
  if (url.pathname === '/healthz') return { status: 200, body: { ok: true } };
  const onPath = options.routes.filter(({ pattern }) => pattern.test(url.pathname));
  const route = onPath.find(({ method }) => method === request.method);
  if (!route) throw onPath.length > 0 ? new ApiError(405, 'method not allowed') : new ApiError(404, 'page not found');
  const names = (route.pattern.exec(url.pathname) ?? []).slice(1).map(decode);
  const body = await readJson(request);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return route.handle({ query: url.searchParams, body, signal: gone.signal }, ...names);
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body }: ApiResponse,
  requestId: string,
): void {
  response.statusCode = status;
  response.setHeader('fly-request-id', requestId);
  // What was not read of a refused body is not worth reading: the connection goes.
  if (!request.complete) response.setHeader('connection', 'close');
  if (body === undefined) return void response.end();
  const isText = typeof body === 'string';
  const bytes = Buffer.from(isText ? body : JSON.stringify(body));
  response.setHeader('content-type', isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8');
  response.setHeader('content-length', bytes.length);
  response.end(bytes);
}

function parseTarget(target: string): URL {
  if (!target.startsWith('/') || !URL.canParse(`http://localhost${target}`)) throw invalid('the path cannot be read');
  return new URL(`http://localhost${target}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('the path cannot be read');
  }
}
