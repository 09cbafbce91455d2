import type { Logger } from '@app/common/logging/logger';
import { PROBLEM_CONTENT_TYPE, isBug, toProblem, type Problem } from '@app/common/errors/problem';
import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ERROR_STATUSES } from '../error-codes';
import { LOGGER } from '../logger.token';
import { discardBody } from '../proxy/discard-body';
import { wantsPage } from './accept';
import { challengeOf } from './challenge';
import { contextOf } from './request-context';

/**
 * Every failure that Nest answers with: `application/problem+json`, or for a browser the view `error` with the problem's fields.
 * A page that needs a login redirects to it. What nobody foresaw is logged whole; the rest stands in the request's log line.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly log: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const context = contextOf(request);
    const problem = toProblem(error, ERROR_STATUSES, context.requestId);
    context.errorCode = problem.code;
    if (isBug(problem)) this.log.error({ error, requestId: context.requestId }, 'request.failed');

    if (response.headersSent) {
      response.destroy(); // half an answer must not look like a whole one
      return;
    }
    discardBody(request);
    setRetryAfter(response, error);
    if (problem.code === 'unauthenticated' && !isApiPath(request)) return response.redirect(303, '/login');
    if (!wantsPage(request)) return sendProblem(response, problem);
    const retryHref = problem.status >= 500 && request.method === 'GET' ? request.originalUrl : undefined;
    response
      .status(problem.status)
      .render('error', { ...problem, retryHref }, (failure: Error | null, html?: string) => {
        if (!failure) return void response.type('html').send(html);
        this.log.error({ error: failure, requestId: context.requestId }, 'page.error_not_rendered');
        sendProblem(response, problem);
      });
  }
}

function isApiPath(request: Request): boolean {
  return request.originalUrl === '/api' || request.originalUrl.startsWith('/api/');
}

function setRetryAfter(response: Response, error: unknown): void {
  const seconds = (error as { retryAfterSeconds?: unknown } | null)?.retryAfterSeconds;
  if (typeof seconds === 'number') response.setHeader('Retry-After', String(Math.max(1, Math.ceil(seconds))));
}

function sendProblem(response: Response, problem: Problem): void {
  response.status(problem.status);
  const challenge = challengeOf(problem);
  if (challenge !== null) response.setHeader('WWW-Authenticate', challenge);
  response.setHeader('Content-Type', PROBLEM_CONTENT_TYPE);
  response.end(JSON.stringify(problem));
}
