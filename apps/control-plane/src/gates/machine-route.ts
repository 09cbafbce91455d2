import type { Clock } from '@app/common/time/clock';
import type { MachineAddress, MachineRef } from '@app/minifly-client/platform';
import { Pool, type Dispatcher } from 'undici';
import type { TenantTokenSigner } from '../machines/token-signer';
import type { Route } from './admission';

/** Requests of one tenant that are under way at once; further ones queue in the pool. */
const CONNECTIONS = 64;
/** Shorter than the 75 s that a tenant keeps a connection, so that none is used that it is just closing. */
const KEEP_ALIVE_MS = 60_000;
/** A token lives for 60 s: one of this age is replaced, one of `STALE_MS` is not shown any more. */
const RENEW_MS = 30_000;
const STALE_MS = 45_000;

export interface MachineRouteTarget {
  tenantId: string;
  appName: string;
  databaseId: string;
  epoch: number;
  address: MachineAddress;
  machine: MachineRef;
}

/** A route with its own connections and a token that is kept fresh. Closed by the gate that owns it. */
export class MachineRoute implements Route {
  readonly tenantId: string;
  readonly appName: string;
  readonly databaseId: string;
  readonly epoch: number;
  readonly origin: string;
  /** Where everybody reaches the machine; null where only we do. */
  readonly publicOrigin: string | null;
  readonly machine: MachineRef;
  readonly dispatcher: Dispatcher;
  private readonly pool: Pool;
  private token = '';
  private signedAt = 0;

  private constructor(
    target: MachineRouteTarget,
    private readonly signer: TenantTokenSigner,
    private readonly clock: Clock,
  ) {
    this.tenantId = target.tenantId;
    this.appName = target.appName;
    this.databaseId = target.databaseId;
    this.epoch = target.epoch;
    this.origin = target.address.origin;
    this.publicOrigin = target.address.publicOrigin ?? null;
    this.machine = target.machine;
    this.pool = new Pool(this.origin, {
      connections: CONNECTIONS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
    });
    this.dispatcher = withHeaders(this.pool, target.address.headers);
  }

  static async open(target: MachineRouteTarget, signer: TenantTokenSigner, clock: Clock): Promise<MachineRoute> {
    const route = new MachineRoute(target, signer, clock);
    await route.renew();
    return route;
  }

  get authorization(): string {
    return `Bearer ${this.token}`;
  }

  get isDueForRenewal(): boolean {
    return this.clock.now() - this.signedAt >= RENEW_MS;
  }

  /** True where renewing was missed (a computer that slept): renew before the token is shown. */
  get isStale(): boolean {
    return this.clock.now() - this.signedAt >= STALE_MS;
  }

  async renew(): Promise<void> {
    const signedAt = this.clock.now();
    this.token = await this.signer.signForRoute(this);
    this.signedAt = signedAt;
  }

  /** Takes no new requests; those under way end by themselves. */
  retire(): void {
    void this.pool.close().catch(() => undefined);
  }

  /** Ends what is under way. */
  async destroy(): Promise<void> {
    await this.pool.destroy();
  }
}

/** Most machines need no headers: their pool is used as it is. */
function withHeaders(pool: Pool, headers: MachineAddress['headers']): Dispatcher {
  const added = Object.entries(headers).flat();
  if (added.length === 0) return pool;
  return pool.compose((dispatch) => (options, handler) => {
    const list = options.headers as string[] | undefined; // the proxy hands over pairs, one after the other
    return dispatch({ ...options, headers: [...(list ?? []), ...added] }, handler);
  });
}
