import type { Logger } from '@app/common/logging/logger';
import type { Request } from 'express';
import type { ServerResponse } from 'node:http';
import type { Metrics } from '../health/metrics';
import { requestContext } from './request-context';

/** Asked for every few seconds by whoever looks after the machine: at `debug` only. */
const PROBES = new Set(['/healthz', '/readyz', '/metrics']);

/** One line and one count for each request, when its answer is out or its client is gone. */
export function logWhenDone(request: Request, response: ServerResponse, log: Logger, metrics: Metrics): void {
  const started = performance.now();
  response.once('close', () => {
    const ms = Math.round((performance.now() - started) * 10) / 10;
    const route = routeOf(request);
    const method = request.method;
    const status = response.statusCode;
    metrics.countRequest(method, route, status, ms / 1000);
    log[PROBES.has(route) ? 'debug' : 'info'](
      {
        method,
        route,
        status,
        ms,
        bytes: Number(response.getHeader('content-length') ?? 0),
        requestId: requestContext(request).requestId,
        ...(!response.writableFinished && { aborted: true }),
      },
      'request',
    );
  });
}

function routeOf(request: Request): string {
  const route = (request as { route?: { path?: unknown } }).route; // absent where no route was found
  return typeof route?.path === 'string' ? route.path : 'none';
}
