import type { IncomingMessage } from 'node:http';
import { contextOf } from '../front-door/request-context';

/** Where a sign-up or login comes from. */
export interface SignInOrigin {
  address: string;
  userAgent: string | null;
  /** The session that the browser still has: it ends when the new one opens, so that an id known before a login is worth nothing after it. */
  previousSessionHash?: string | null;
}

const MAX_USER_AGENT = 256;

export function signInOriginOf(request: IncomingMessage): SignInOrigin {
  const { clientAddress, session } = contextOf(request);
  return {
    address: clientAddress,
    userAgent: request.headers['user-agent']?.slice(0, MAX_USER_AGENT) ?? null,
    previousSessionHash: session?.sessionHash ?? null,
  };
}
