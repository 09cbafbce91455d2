import type { IncomingMessage } from 'node:http';

export interface RequestContext {
  requestId: string;
  /** When the token that let it in expires, ms since the epoch; 0 where none was asked for. */
  expiresAt: number;
}

const contexts = new WeakMap<IncomingMessage, RequestContext>();

/** Made once by the server for each request, before anything else looks at it. */
export function setRequestContext(request: IncomingMessage, context: RequestContext): void {
  contexts.set(request, context);
}

export function requestContext(request: IncomingMessage): RequestContext {
  const context = contexts.get(request);
  if (!context) throw new Error('The request did not come through the server.');
  return context;
}
