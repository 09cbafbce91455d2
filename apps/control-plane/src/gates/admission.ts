import type { Dispatcher } from 'undici';
import type { ControlPlaneError } from '../error-codes';

/** The way to one tenant's machine, good until it is distrusted or the machine is stopped. */
export interface Route {
  tenantId: string;
  appName: string;
  databaseId: string;
  /** The tenant's epoch when the machine was found: tokens for the route name it. */
  epoch: number;
  /** `http://address:port` of the machine, whose `/readyz` named this tenant and database. */
  origin: string;
  /** Connections to this machine alone. Owned by the gate: never closed by who uses it. */
  dispatcher: Dispatcher;
  /** `Bearer …`, with a token that is good for at least twenty seconds more: read it for each request. */
  readonly authorization: string;
}

/** What the gate says to one request. */
export type Admission =
  /** `leave` is called once, when nothing of the request is under way any more; further calls do nothing. */
  | { outcome: 'proceed'; route: Route; leave: () => void }
  /** Too many wait already, or the tenant did not wake in time: 503 with `Retry-After`. */
  | { outcome: 'full' | 'timedOut'; retryAfterSeconds: number }
  | { outcome: 'failed'; error: ControlPlaneError };
