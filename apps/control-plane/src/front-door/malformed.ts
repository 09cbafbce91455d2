import { PROBLEM_CONTENT_TYPE, problemOf } from '@app/common/errors/problem';
import type { Logger } from '@app/common/logging/logger';
import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Metrics } from '../observability/metrics';

const LINGER_MS = 500;

/** Answers what Node's parser gave up on, or timed out on, and hangs up. */
export function answerMalformed(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  { log, metrics }: { log: Logger; metrics: Metrics },
): void {
  const { status, code, detail } = verdictOn(error.code);
  const underWay = (socket as { _httpMessage?: ServerResponse })._httpMessage; // as Node's own handler looks it up
  if (!socket.writable || error.code === 'ECONNRESET' || underWay?.headersSent) {
    socket.destroy(error);
    return;
  }
  const requestId = randomUUID();
  const body = JSON.stringify(problemOf(status, code, detail, requestId));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${PROBLEM_CONTENT_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  socket.on('error', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref(); // at once would take the answer from a client that still sends
  metrics.httpRequests.inc({ route: 'malformed', method: '', status });
  log.warn({ route: 'malformed', status, code, reason: error.code, requestId }, 'request');
}

function verdictOn(parserCode: string | undefined): { status: number; code: string; detail: string } {
  switch (parserCode) {
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, code: 'headers_too_large', detail: 'The headers may be 16 kB at most.' };
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, code: 'body_too_large', detail: 'The chunk extensions are too long.' };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, code: 'request_timeout', detail: 'The request took too long to arrive.' };
    default:
      return { status: 400, code: 'bad_request', detail: 'This is not a valid HTTP request.' };
  }
}
