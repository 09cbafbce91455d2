import type { ControlPlaneError } from '../error-codes';
import type { Route } from './admission';

/**
 * `asleep`: no route; the machine is stopped, or nobody knows.
 * `waking`: somebody is on the way to a route, by starting the machine or by provisioning it.
 * `awake`: there is a route.
 * `stopping`: the machine is being stopped; who comes now waits and wakes it again.
 */
export type GateState = 'asleep' | 'waking' | 'awake' | 'stopping';

export interface GateLimits {
  /** How many may wait at once. */
  holdRequests: number;
  /** Quiet for so long, an awake tenant may be stopped; 0: never. */
  idleStopMs: number;
}

/** Hears once how the wait ended. Whoever made it also ends it (time, a client that left) by `giveUp`. */
export interface Waiter<R> {
  admitted(route: R): void;
  refused(error: ControlPlaneError): void;
}

/**
 * One tenant's gate: who goes on, who waits, and when the machine may be stopped. Every decision is made and counted in one
 * synchronous step, so that a request and a stop cannot both win. Times in epoch milliseconds, passed in.
 */
export class Gate<R extends Route = Route> {
  private currentState: GateState = 'asleep';
  private currentRoute: R | null = null;
  private open = 0;
  private quietSince = 0;
  private directUntil = 0;
  private wakings = 0;
  private readonly waiters = new Set<Waiter<R>>();

  constructor(
    readonly tenantId: string,
    private readonly limits: GateLimits,
    private readonly onState: (from: GateState, to: GateState) => void = () => undefined,
  ) {}

  get state(): GateState {
    return this.currentState;
  }

  get route(): R | null {
    return this.currentRoute;
  }

  get openRequests(): number {
    return this.open;
  }

  get waiting(): number {
    return this.waiters.size;
  }

  /** `proceed` is counted at once and ended by `leave`; after `hold`, `wait` with a waiter before anything else happens. */
  enter(): 'proceed' | 'hold' | 'full' {
    if (this.currentState === 'awake') {
      this.open += 1;
      return 'proceed';
    }
    return this.waiters.size < this.limits.holdRequests ? 'hold' : 'full';
  }

  wait(waiter: Waiter<R>): void {
    this.waiters.add(waiter);
  }

  /** Frees the place of one that waits no longer; what it waited for goes on. */
  giveUp(waiter: Waiter<R>): void {
    this.waiters.delete(waiter);
  }

  leave(now: number): void {
    this.open -= 1;
    this.quietSince = now;
  }

  /** For the one caller that is to do the waking its number, for all others null. */
  beginWaking(): number | null {
    if (this.currentState !== 'asleep') return null;
    this.move('waking');
    return (this.wakings += 1);
  }

  /** False where this waking was overtaken, by provisioning or by the tenant's end: its result is of no use then. */
  isStillWaking(waking: number): boolean {
    return this.currentState === 'waking' && waking === this.wakings;
  }

  /** There is a route: all that wait go on, counted before anybody could stop the machine. False where another route was sooner. */
  opened(route: R, now: number): boolean {
    if (this.currentState === 'awake' || this.currentState === 'stopping') return false;
    this.move('awake');
    this.currentRoute = route;
    this.quietSince = now;
    this.open += this.waiters.size;
    this.settle((waiter) => waiter.admitted(route));
    return true;
  }

  /** Waking came to nothing: all that wait hear why. */
  refused(error: ControlPlaneError): void {
    if (this.currentState === 'waking') this.move('asleep');
    this.settle((waiter) => waiter.refused(error));
  }

  /** Nobody is on the way any more, and nobody is told: the next to come, or who waits already, wakes it anew. */
  lostInterest(): void {
    if (this.currentState === 'waking') this.move('asleep');
  }

  /** Decision and stop in one step: gives the route that was taken away, or null where the tenant may not be stopped. */
  beginStop(now: number): R | null {
    return this.mayStop(now) ? this.takeRoute('stopping') : null;
  }

  /** As `beginStop`, whatever is open: for a machine that has to be restarted or is to be removed. */
  forceStop(): R | null {
    return this.currentState === 'awake' ? this.takeRoute('stopping') : null;
  }

  /** The stop has ended, well or not: the gate is asleep either way, and a look tells later. */
  stopped(): void {
    if (this.currentState === 'stopping') this.move('asleep');
  }

  /** Forgets the route, if it is still this one. What is open on it goes on and is counted until it leaves. */
  forget(route: Route): R | null {
    return this.currentRoute === route ? this.takeRoute('asleep') : null;
  }

  mayStop(now: number): boolean {
    return (
      this.currentState === 'awake' &&
      this.limits.idleStopMs > 0 &&
      this.open === 0 &&
      now >= this.directUntil &&
      now - this.quietSince >= this.limits.idleStopMs
    );
  }

  /** Somebody may be talking to the machine directly until then. */
  inDirectUseUntil(until: number): void {
    this.directUntil = Math.max(this.directUntil, until);
  }

  /** True when nothing would be lost with this gate: memory follows what runs, not who has an account. */
  get isForgettable(): boolean {
    return this.currentState === 'asleep' && this.open === 0 && this.waiters.size === 0;
  }

  private takeRoute(next: 'stopping' | 'asleep'): R | null {
    const route = this.currentRoute;
    this.currentRoute = null;
    this.move(next);
    return route;
  }

  private settle(tell: (waiter: Waiter<R>) => void): void {
    const waiters = [...this.waiters];
    this.waiters.clear();
    for (const waiter of waiters) tell(waiter);
  }

  private move(to: GateState): void {
    const from = this.currentState;
    this.currentState = to;
    this.onState(from, to);
  }
}
