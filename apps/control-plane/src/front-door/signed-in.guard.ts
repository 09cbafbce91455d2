import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { ControlPlaneError } from '../error-codes';
import { contextOf } from './request-context';

/** Lets only signed-in people through. The API then answers 401 `unauthenticated`; for a page `ProblemFilter` redirects to /login. */
@Injectable()
export class SignedInGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request>();
    if (!contextOf(request).session) throw unauthenticated();
    return true;
  }
}

export function unauthenticated(): ControlPlaneError {
  return new ControlPlaneError('unauthenticated', 'Sign in first.');
}
