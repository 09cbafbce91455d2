import { Pool } from 'undici';
import type { SignedIn } from '../../../apps/control-plane/src/front-door/request-context';
import type { Scope } from '../../../apps/control-plane/src/front-door/token-scopes';
import type { Admission, Route } from '../../../apps/control-plane/src/gates/admission';

/** What the front door needs of `SessionsService`: a cookie's value is the name of who is signed in. */
export class SessionsStandIn {
  readonly listeners = new Set<(sessionHash: string, userId: string) => void>();

  lookUp(cookie: string): SignedIn | null {
    if (cookie !== 'alice' && cookie !== 'bob') return null;
    return { sessionHash: `hash-${cookie}`, userId: cookie, email: `${cookie}@example.org` };
  }

  onEnded(listener: (sessionHash: string, userId: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  end(cookie: string): void {
    for (const listener of this.listeners) listener(`hash-${cookie}`, cookie);
  }
}

/** What the front door needs of `ApiTokensService`: a token is who it is of and, by commas, what it may do. */
export class TokensStandIn {
  readonly listeners = new Set<(tokenHash: string) => void>();

  lookUp(token: string): SignedIn | null {
    const [userId = '', scopes = ''] = token.split('|');
    if (userId !== 'alice' && userId !== 'bob') return null;
    const apiToken = { id: `id-${userId}`, scopes: new Set(scopes.split(',') as Scope[]), expiresAt: Infinity };
    return { sessionHash: `token-hash-${userId}`, userId, email: `${userId}@example.org`, apiToken };
  }

  onEnded(listener: (tokenHash: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  end(userId: string): void {
    for (const listener of this.listeners) listener(`token-hash-${userId}`);
  }
}

/** What the proxy needs of `GatesService`: awake tenants at one origin, or whatever a test puts in `next`. */
export class GatesStandIn {
  origin = '';
  readonly entered: string[] = [];
  readonly distrusted: Route[] = [];
  refreshed = 0;
  /** Inside the gate at this moment. */
  open = 0;
  /** Signals of those who wait. */
  readonly waiting: AbortSignal[] = [];
  /** Takes the place of the next admissions, first one first; undefined lets through. */
  readonly next: ((proceed: () => Admission, signal: AbortSignal) => Admission | Promise<Admission>)[] = [];
  onDistrust: () => void = () => undefined;
  onRefresh: () => void = () => undefined;
  private readonly pools = new Map<string, Pool>();

  enter(tenantId: string, options: { signal: AbortSignal }): Admission | Promise<Admission> {
    this.entered.push(tenantId);
    const next = this.next.shift();
    if (!next) return this.proceed(tenantId);
    this.waiting.push(options.signal);
    return next(() => this.proceed(tenantId), options.signal);
  }

  distrust(route: Route): void {
    this.distrusted.push(route);
    this.onDistrust();
  }

  refreshKeys(): Promise<void> {
    this.refreshed++;
    this.onRefresh();
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await Promise.all([...this.pools.values()].map((pool) => pool.destroy()));
  }

  private proceed(tenantId: string): Admission {
    this.open++;
    let isIn = true;
    const leave = () => {
      if (isIn) this.open--;
      isIn = false;
    };
    const { origin } = this;
    const dispatcher = this.pools.get(origin) ?? new Pool(origin, { connections: 64 });
    this.pools.set(origin, dispatcher);
    const route = {
      tenantId,
      appName: `todo-user-${tenantId}`,
      databaseId: `db-of-${tenantId}`,
      epoch: 1,
      origin,
      dispatcher,
      authorization: `Bearer token-of-${tenantId}`,
    };
    return { outcome: 'proceed', route, leave };
  }
}

/** A promise and its end, for a gate that holds. */
export function held<T>(): { promise: Promise<T>; release: (value: T) => void } {
  let release!: (value: T) => void;
  const promise = new Promise<T>((resolve) => (release = resolve));
  return { promise, release };
}
