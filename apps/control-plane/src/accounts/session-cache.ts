import type { Clock } from '@app/common/time/clock';
import { LRUCache } from 'lru-cache';
import type { SignedIn } from '../front-door/request-context';

const MAX_SESSIONS = 20_000;
/** Short, so that a row that somebody else deleted (an operator in a shell) does not live on for long. */
const TRUSTED_MS = 30_000;

/** A session or an API token as it is kept in memory. */
export interface CachedSession {
  signedIn: SignedIn;
  lastSeenAt: number;
  expiresAt: number;
}

/** Sessions by their whole cookie value, or API tokens by themselves: a hit costs no hash and no SQL. */
export class SessionCache<Session extends CachedSession> {
  private readonly byCookie = new LRUCache<string, Session & { cachedAt: number }>({
    max: MAX_SESSIONS,
    dispose: ({ signedIn }) => this.cookieByHash.delete(signedIn.sessionHash),
  });
  private readonly cookieByHash = new Map<string, string>();

  constructor(private readonly clock: Clock) {}

  get(cookieValue: string): Session | undefined {
    const session = this.byCookie.get(cookieValue);
    if (!session || this.clock.now() - session.cachedAt < TRUSTED_MS) return session;
    this.byCookie.delete(cookieValue);
    return undefined;
  }

  set(cookieValue: string, session: Session): Session {
    const cached = { ...session, cachedAt: this.clock.now() };
    this.byCookie.set(cookieValue, cached);
    this.cookieByHash.set(session.signedIn.sessionHash, cookieValue);
    return cached;
  }

  forget(sessionHash: string): void {
    const cookieValue = this.cookieByHash.get(sessionHash);
    if (cookieValue !== undefined) this.byCookie.delete(cookieValue);
  }
}
