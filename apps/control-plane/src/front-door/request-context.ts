import type { IncomingMessage } from 'node:http';
import type { Scope } from './token-scopes';

/** Who is behind a session cookie or an API token. */
export interface SignedIn {
  /** Hash of the session's id, or of the token, which names it in the database. */
  sessionHash: string;
  userId: string;
  email: string;
  /** There for an API token alone: a session may do everything. */
  apiToken?: {
    /** What it is called where tokens are listed. */
    id: string;
    scopes: ReadonlySet<Scope>;
    /** Epoch milliseconds. */
    expiresAt: number;
  };
}

/** What the front door found out about a request, once; everything behind it reads it here. */
export interface RequestContext {
  requestId: string;
  /** The client's address, as trusted proxies tell it. */
  clientAddress: string;
  /** The client spoke HTTPS, to us or to a trusted proxy, or PUBLIC_URL says that people do. */
  isSecure: boolean;
  session: SignedIn | null;
  /** Filled in by who answers, for the log line and the metrics: the route's pattern, never the path. */
  route?: string;
  /** Filled in where a failure is answered, for the log line: its code. */
  errorCode?: string;
  /** Sends `100 Continue`. There while the client waits for it; who is ready for the body calls `readyForBody`. */
  sendContinue?: () => void;
  /** Ends an answer that has no end of its own, when the session or the process ends. */
  endStream?: () => void;
  /** Answers with a failure, as a page or a problem; cuts the connection where an answer has begun. */
  refuse?(error: unknown): void;
}

/** A property, not a WeakMap: that cost a tenth of the proxy's throughput in garbage collection. */
const CONTEXT = Symbol('request context');
type WithContext = IncomingMessage & { [CONTEXT]?: RequestContext };

export function setContext(request: IncomingMessage, context: RequestContext): void {
  (request as WithContext)[CONTEXT] = context;
}

/** The context of a request that came through the front door. */
export function contextOf(request: IncomingMessage): RequestContext {
  const context = findContext(request);
  if (!context) throw new Error('The request did not come through the front door.');
  return context;
}

/** As `contextOf`, for code that also sees requests of another server. */
export function findContext(request: IncomingMessage): RequestContext | undefined {
  return (request as WithContext)[CONTEXT];
}

/** Asks a client that sent `Expect: 100-continue` for the body. Harmless for every other request, and when repeated. */
export function readyForBody(request: IncomingMessage): void {
  const context = findContext(request);
  const send = context?.sendContinue;
  if (!context || !send) return;
  context.sendContinue = undefined;
  send();
}
