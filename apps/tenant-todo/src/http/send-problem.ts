import type { DomainError } from '@app/common/errors/domain-error';
import { PROBLEM_CONTENT_TYPE, type Problem } from '@app/common/errors/problem';
import type { ServerResponse } from 'node:http';

/** Answers with a problem; an answer that has begun can only be cut off, so that nobody takes half of it for the whole. */
export function sendProblem(response: ServerResponse, problem: Problem, error?: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = JSON.stringify(problem);
  response.statusCode = problem.status;
  response.removeHeader('ETag');
  response.setHeader('Content-Type', PROBLEM_CONTENT_TYPE);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  const retryAfter = (error as Partial<DomainError> | undefined)?.retryAfterSeconds;
  if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
  response.end(body);
}
