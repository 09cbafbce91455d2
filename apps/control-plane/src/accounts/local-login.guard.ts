import { validationFailed } from '@app/common/errors/validation';
import { Injectable, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { plainToInstance } from 'class-transformer';
import { validate } from 'class-validator';
import type { Request } from 'express';
import { ControlPlaneError } from '../error-codes';
import { LoginDto } from './credentials.dto';

/**
 * For the login routes alone: lets through whose e-mail and password are right, and puts the `User` on `request.user`.
 * Guards run before pipes, so the body is checked here, before a password is. Throws `validation_failed`, `bad_request` and what
 * `AccountsService.checkLogin` throws.
 */
@Injectable()
export class LocalLoginGuard extends AuthGuard('local') {
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request>();
    refuseCredentialsInUrl(request);
    const login = plainToInstance(LoginDto, (request.body ?? {}) as object);
    const isForm = !request.is('application/json'); // a form has its buttons and helpers
    const errors = await validate(login, { whitelist: true, forbidNonWhitelisted: !isForm });
    if (errors.length > 0) {
      const input = typeof login.email === 'string' ? { email: login.email } : {};
      throw validationFailed(errors, input);
    }
    return (await super.canActivate(context)) as boolean; // AuthGuard's own is async
  }
}

/** passport-local takes them from the URL too, where they end up in histories and logs. */
function refuseCredentialsInUrl(request: Request): void {
  if ('email' in request.query || 'password' in request.query)
    throw new ControlPlaneError('bad_request', 'Send e-mail and password in the body, never in the URL.');
}
