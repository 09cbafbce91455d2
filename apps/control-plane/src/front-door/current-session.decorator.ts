import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { contextOf, type SignedIn } from './request-context';
import { unauthenticated } from './signed-in.guard';

/** The signed-in person, as a `SignedIn`. Throws `unauthenticated` where there is none. */
export const CurrentSession = createParamDecorator((_: unknown, context: ExecutionContext): SignedIn => {
  const { session } = contextOf(context.switchToHttp().getRequest<Request>());
  if (!session) throw unauthenticated();
  return session;
});
