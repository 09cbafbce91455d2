import type { IncomingMessage } from 'node:http';

/** Who is behind a session cookie. */
export interface SignedIn {
  /** Hash of the session's id, which names it in the database. */
  sessionHash: string;
  userId: string;
  email: string;
}

/** What the front door found out about a request, once; everything behind it reads it here. */
export interface RequestContext {
  requestId: string;
  /** The client's address, as trusted proxies tell it. */
  clientAddress: string;
  /** The client spoke HTTPS, to us or to a trusted proxy. */
  isSecure: boolean;
  session: SignedIn | null;
  /** Filled in by who answers, for the log line and the metrics: the route's pattern, never the path. */
  route?: string;
}

const contexts = new WeakMap<IncomingMessage, RequestContext>();

export function setContext(request: IncomingMessage, context: RequestContext): void {
  contexts.set(request, context);
}

/** The context of a request that came through the front door. */
export function contextOf(request: IncomingMessage): RequestContext {
  const context = contexts.get(request);
  if (!context) throw new Error('The request did not come through the front door.');
  return context;
}
