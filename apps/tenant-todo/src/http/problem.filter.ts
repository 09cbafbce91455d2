import { isBug, toProblem } from '@app/common/errors/problem';
import type { Logger } from '@app/common/logging/logger';
import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ERROR_STATUSES } from '../error-codes';
import { LOGGER } from '../tokens';
import { requestContext } from './request-context';
import { sendProblem, sendProblemAndClose } from './send-problem';
import { drainBody } from './unread-body';

/** Turns whatever was thrown into the one form of error, with the text that was typed, so that a form can be shown again. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly log: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    void this.answer(error, request, response);
  }

  private async answer(error: unknown, request: Request, response: Response): Promise<void> {
    const { requestId } = requestContext(request);
    const problem = toProblem(error, ERROR_STATUSES, requestId);
    if (isBug(problem)) this.log.error({ error, requestId }, 'request.failed');
    const input = typedText(request.body);
    const answer = input ? { ...problem, input } : problem;
    if (await drainBody(request)) sendProblem(response, answer, error);
    else await sendProblemAndClose(request, response, answer, error);
  }
}

/** The texts of the body as they came; nothing else of it goes back. */
function typedText(body: unknown): { title?: string; description?: string } | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { title, description } = body as Record<string, unknown>;
  const input = {
    ...(typeof title === 'string' && { title }),
    ...(typeof description === 'string' && { description }),
  };
  return Object.keys(input).length > 0 ? input : undefined;
}
