import type { Logger } from '@app/common/logging/logger';
import { Catch, Inject, Injectable, type ArgumentsHost } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ProblemFilter } from '../front-door/problem.filter';
import { LOGGER } from '../logger.token';
import { Exchange } from './exchange';
import { refusedFormOf } from './form-refusal';
import { formView } from './form-view';
import { PageRenderer } from './page-renderer';

/** Shows the login again with what was wrong: the guard refuses before a controller could. All else goes the common way. */
@Catch()
@Injectable()
export class LoginFormFilter extends ProblemFilter {
  constructor(
    @Inject(LOGGER) log: Logger,
    private readonly pages: PageRenderer,
  ) {
    super(log);
  }

  override catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const exchange = new Exchange(request, host.switchToHttp().getResponse<Response>());
    const refused = refusedFormOf(error, exchange.requestId);
    if (!refused) return super.catch(error, host);
    const form = formView(['email', 'password'], { values: request.body, problem: refused.problem });
    this.pages.render(exchange, 'login', { title: 'Log in', ...form }, refused);
  }
}
