import type { DomainError } from '@app/common/errors/domain-error';
import { PROBLEM_CONTENT_TYPE, type Problem } from '@app/common/errors/problem';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { linger } from './unread-body';

/** Answers with a problem; an answer that has begun can only be cut off, so that nobody takes half of it for the whole. */
export function sendProblem(response: ServerResponse, problem: Problem, error?: unknown): void {
  if (response.headersSent) response.destroy();
  else response.end(writeHead(response, problem, error));
}

/** As `sendProblem`, for a request with more of a body than is worth reading: the connection ends, but not before the answer is there. */
export async function sendProblemAndClose(
  request: IncomingMessage,
  response: ServerResponse,
  problem: Problem,
  error?: unknown,
): Promise<void> {
  if (response.headersSent) return void response.destroy();
  response.setHeader('Connection', 'close');
  response.write(writeHead(response, problem, error));
  await linger(request);
  response.end();
}

function writeHead(response: ServerResponse, problem: Problem, error: unknown): string {
  const body = JSON.stringify(problem);
  response.statusCode = problem.status;
  response.removeHeader('ETag');
  response.setHeader('Content-Type', PROBLEM_CONTENT_TYPE);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  const retryAfter = (error as Partial<DomainError> | undefined)?.retryAfterSeconds;
  if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
  return body;
}
