import type { Logger } from '@app/common/logging/logger';
import type { Clock } from '@app/common/time/clock';
import type { Platform } from '@app/minifly-client/platform';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource } from 'typeorm';
import { CLOCK } from '../clock.token';
import { ControlPlaneConfig } from '../config';
import { CONFIG } from '../config.token';
import { ControlPlaneError } from '../error-codes';
import { LOGGER } from '../logger.token';
import { PLATFORM } from '../machines/platform.token';
import { TenantTokenSigner } from '../machines/token-signer';
import { within } from '../machines/within';
import { Metrics } from '../observability/metrics';
import { Tenant } from '../tenants/tenant.entity';
import { TimelineService } from '../tenants/timeline.service';
import type { Admission, Route } from './admission';
import { Gate, type GateState } from './gate';
import { MachineRoute, type MachineRouteTarget } from './machine-route';
import { MachineViews, type MachineView } from './machine-views';
import { Waker, type WakeResult } from './waker';

export type { Admission, Route } from './admission';

/** What stands and falls with a tenant's machine. */
export interface Companion {
  /** The machine answers. */
  awake(tenantId: string): void;
  /** The machine is about to be stopped, or has ended. Never rejects. */
  stopping(tenantId: string): Promise<void>;
}

const RETRY_AFTER_SECONDS = 5;
/** A tenant that could not be started is not started again at once, however many ask. */
const REFUSAL_MS = 2000;
const MOST_REFUSALS = 10_000;
const STOP_MS = 60_000;
/** Tokens are looked at so often; one is renewed at half its life. */
const RENEWAL_MS = 5000;

/** Each tenant's gate: who goes on to the machine, who waits for it to wake, and when it is stopped. Holds gates of what runs, not of all. */
@Injectable()
export class GatesService implements OnModuleDestroy, OnApplicationShutdown {
  private readonly gates = new Map<string, Gate<MachineRoute>>();
  private readonly tasks = new Set<Promise<void>>();
  private readonly refusals = new LRUCache<string, ControlPlaneError>({ max: MOST_REFUSALS, ttl: REFUSAL_MS });
  private readonly closing = new AbortController();
  private readonly renewals: NodeJS.Timeout;
  private companion: Companion | null = null;

  constructor(
    @Inject(PLATFORM) private readonly platform: Platform,
    @Inject(CONFIG) private readonly config: Readonly<ControlPlaneConfig>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
    private readonly dataSource: DataSource,
    private readonly timeline: TimelineService,
    private readonly waker: Waker,
    private readonly signer: TenantTokenSigner,
    private readonly views: MachineViews,
    private readonly metrics: Metrics,
  ) {
    this.renewals = setInterval(() => this.renewTokens(), RENEWAL_MS).unref();
  }

  /**
   * Synchronous when the tenant is awake; else the request waits, bounded in count and seconds, while the tenant wakes or is still
   * provisioned. A client that left (`signal`) frees its place and gets `timedOut`, which nobody hears; the waking goes on.
   */
  enter(tenantId: string, options: { signal: AbortSignal }): Admission | Promise<Admission> {
    if (this.closing.signal.aborted) return { outcome: 'failed', error: shuttingDown() };
    const gate = this.gateOf(tenantId);
    const decision = gate.enter();
    switch (decision) {
      case 'proceed':
        return this.proceed(gate);
      case 'full':
        return { outcome: 'full', retryAfterSeconds: RETRY_AFTER_SECONDS };
      case 'hold': {
        const refusal = gate.isForgettable ? this.refusals.get(tenantId) : undefined;
        if (!refusal) return this.hold(gate, options.signal);
        this.forgetIfQuiet(gate);
        return { outcome: 'failed', error: refusal };
      }
    }
  }

  /** A refused connection or 421: the route is forgotten, the next to enter looks at the machine again. Repeatable. */
  distrust(route: Route): void {
    const gate = this.gates.get(route.tenantId);
    gate?.forget(route)?.retire();
    if (gate) this.forgetIfQuiet(gate);
  }

  /** 401 `unknown_key`: stops the machine, gives it the current keys and starts it. Who asks meanwhile waits. Repeatable. */
  async refreshKeys(route: Route): Promise<void> {
    const gate = this.gates.get(route.tenantId);
    if (!gate || gate.route !== route) return; // somebody else was sooner
    this.log.warn({ tenant: route.tenantId }, 'tenant.keys_refreshed');
    const taken = gate.forceStop();
    if (!taken) return;
    await this.stop(gate, taken, 'keys');
    await this.wake(this.gateOf(route.tenantId), 'start'); // nobody may have waited, and the gate be another by now
  }

  /** Writes down that a direct token may be in use until then (epoch milliseconds); the machine is not stopped before. */
  async directUntil(tenantId: string, until: number): Promise<void> {
    this.gates.get(tenantId)?.inDirectUseUntil(until);
    await this.dataSource
      .createQueryBuilder()
      .update(Tenant)
      .set({ directUntil: until })
      .where('id = :tenantId AND (direct_until IS NULL OR direct_until < :until)', { tenantId, until })
      .execute();
  }

  /** Where the machine is reached past us: its public origin, else, for who is on this computer, its own. Null while the tenant is not awake. */
  directAddress(tenantId: string, isLocal: boolean): Promise<string | null> {
    const route = this.gates.get(tenantId)?.route;
    return Promise.resolve(route?.publicOrigin ?? (isLocal ? route?.origin : null) ?? null);
  }

  /** As this process saw it last, in Fly's words, or `unknown`; asks no platform. `seenAt` in epoch milliseconds. */
  machineState(tenantId: string): MachineView {
    return this.views.of(tenantId);
  }

  /** What provisioning saw of the machine. */
  sawMachine(tenantId: string, state: string): void {
    this.views.saw(tenantId, state, this.clock.now());
  }

  /** Provisioning has ended well: all that wait go on to the machine, which has just named its tenant and database. */
  async activated(target: MachineRouteTarget & { directUntil: number }): Promise<void> {
    this.sawMachine(target.tenantId, 'started');
    const route = await MachineRoute.open(target, this.signer, this.clock);
    if (!this.closing.signal.aborted) this.admit(this.gateOf(target.tenantId), route, target.directUntil);
  }

  /** The tenant failed or is being deleted: all that wait hear it, and nobody gets to the machine any more. */
  closed(tenantId: string, error: ControlPlaneError): void {
    const gate = this.gates.get(tenantId);
    if (!gate) return;
    if (gate.route) gate.forget(gate.route)?.retire();
    gate.refused(error);
    this.forgetIfQuiet(gate);
  }

  /** One companion for all tenants; told of each from now on. */
  accompany(companion: Companion): void {
    this.companion = companion;
  }

  /** For who decides when to stop and what to look at. */
  all(): readonly Gate<MachineRoute>[] {
    return [...this.gates.values()];
  }

  find(tenantId: string): Gate<MachineRoute> | undefined {
    return this.gates.get(tenantId);
  }

  /** Stops an idle tenant; false where it may not be stopped (any more): that is decided in this very step. */
  stopIfIdle(gate: Gate<MachineRoute>): boolean {
    const route = gate.beginStop(this.clock.now());
    if (!route) return false;
    this.track(this.stop(gate, route, 'idle'));
    return true;
  }

  /** A row says awake and no gate knows it: looks, and opens the gate where the machine runs and answers. Starts nothing. */
  async adopt(tenantId: string): Promise<void> {
    const gate = this.gateOf(tenantId);
    if (gate.state === 'asleep') await this.wake(gate, 'adopt');
  }

  /** The machine of an open gate was seen ended, by itself or with its platform. The next to enter starts it. */
  async machineEnded(gate: Gate<MachineRoute>, route: Route, state: string): Promise<void> {
    const taken = gate.forget(route);
    if (!taken) return;
    taken.retire();
    this.forgetIfQuiet(gate);
    await this.companion?.stopping(gate.tenantId);
    await this.waker.noteStopped(gate.tenantId);
    this.log.warn({ tenant: gate.tenantId, state }, 'tenant.machine_ended');
    await this.timeline.record({ tenantId: gate.tenantId, kind: 'stopped', detail: { reason: 'ended', state } });
  }

  /** Who waits hears that the service goes; what is being forwarded is left to the front door. */
  onModuleDestroy(): void {
    this.closing.abort();
    clearInterval(this.renewals);
    for (const gate of this.gates.values()) gate.refused(shuttingDown());
  }

  /** After the server has closed. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.allSettled([...this.tasks]);
    const routes = this.all().flatMap(({ route }) => route ?? []);
    await Promise.all(routes.map((route) => route.destroy()));
    this.gates.clear();
  }

  private proceed(gate: Gate<MachineRoute>): Admission | Promise<Admission> {
    const { route } = gate;
    if (!route) throw new Error('An awake gate has a route.');
    const admission: Admission = { outcome: 'proceed', route, leave: this.leaver(gate) };
    return route.isStale ? route.renew().then(() => admission) : admission;
  }

  private hold(gate: Gate<MachineRoute>, signal: AbortSignal): Promise<Admission> {
    const held = new Promise<Admission>((resolve) => {
      const timedOut = () => {
        gate.giveUp(waiter);
        settle({ outcome: 'timedOut', retryAfterSeconds: RETRY_AFTER_SECONDS });
        this.forgetIfQuiet(gate);
      };
      const timer = setTimeout(timedOut, this.config.wakeHoldSeconds * 1000);
      const settle = (admission: Admission) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', timedOut);
        resolve(admission);
      };
      const waiter = {
        admitted: (route: MachineRoute) => settle({ outcome: 'proceed', route, leave: this.leaver(gate) }),
        refused: (error: ControlPlaneError) => settle({ outcome: 'failed', error }),
      };
      gate.wait(waiter);
      if (signal.aborted) timedOut();
      else signal.addEventListener('abort', timedOut, { once: true });
    });
    if (gate.state === 'asleep' && gate.waiting > 0) this.track(this.wake(gate, 'start'));
    return held;
  }

  private leaver(gate: Gate<MachineRoute>): () => void {
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      gate.leave(this.clock.now());
      this.forgetIfQuiet(gate);
    };
  }

  /** The one waking of a tenant, shared by all that wait. */
  private async wake(gate: Gate<MachineRoute>, mode: 'start' | 'adopt'): Promise<void> {
    const waking = gate.beginWaking();
    if (waking === null) return;
    const result = await this.waker.wake(gate.tenantId, mode, this.closing.signal);
    if (!this.closing.signal.aborted && gate.isStillWaking(waking)) this.apply(gate, result);
    else if (result.outcome === 'awake') result.route.retire();
  }

  private apply(gate: Gate<MachineRoute>, result: WakeResult): void {
    switch (result.outcome) {
      case 'awake':
        return this.admit(gate, result.route, result.directUntil);
      case 'provisioning':
        return; // stays `waking` until provisioning says `activated` or `closed`
      case 'failed':
        if (result.error.code === 'tenant_not_ready') this.refusals.set(gate.tenantId, result.error);
        gate.refused(result.error);
        return this.forgetIfQuiet(gate);
      case 'asleep':
        gate.lostInterest();
        this.timeline.signal(gate.tenantId, 'state');
        return this.wakeOrForget(gate);
    }
  }

  private admit(gate: Gate<MachineRoute>, route: MachineRoute, directUntil: number): void {
    this.refusals.delete(gate.tenantId);
    gate.inDirectUseUntil(directUntil);
    if (!gate.opened(route, this.clock.now())) return route.retire(); // another one was sooner
    this.companion?.awake(gate.tenantId);
    this.timeline.signal(gate.tenantId, 'state');
  }

  private async stop(gate: Gate<MachineRoute>, route: MachineRoute, reason: 'idle' | 'keys'): Promise<void> {
    const begun = this.clock.now();
    route.retire();
    this.views.saw(gate.tenantId, 'stopping', begun);
    try {
      const signal = within(this.closing.signal, STOP_MS);
      await this.companion?.stopping(gate.tenantId);
      await this.platform.stop(route.machine, signal);
      await this.waker.noteStopped(gate.tenantId);
      const ms = this.clock.now() - begun;
      this.log.info({ tenant: gate.tenantId, machine: route.machine.machineId, reason, ms }, 'tenant.stopped');
      await this.timeline.record({ tenantId: gate.tenantId, kind: 'stopped', detail: { reason, ms } });
    } catch (error) {
      // Whether it stopped is not known: the row still says awake, and the next look tells.
      this.views.saw(gate.tenantId, 'unknown', this.clock.now());
      if (!this.closing.signal.aborted) this.log.warn({ tenant: gate.tenantId, error }, 'tenant.stop_failed');
    } finally {
      gate.stopped();
      this.wakeOrForget(gate);
    }
  }

  private wakeOrForget(gate: Gate<MachineRoute>): void {
    if (gate.waiting > 0 && !this.closing.signal.aborted) this.track(this.wake(gate, 'start'));
    else this.forgetIfQuiet(gate);
  }

  private renewTokens(): void {
    for (const { route, tenantId } of this.gates.values()) {
      if (!route?.isDueForRenewal) continue;
      route.renew().catch((error: unknown) => this.log.error({ tenant: tenantId, error }, 'tenant.token_not_renewed'));
    }
  }

  private gateOf(tenantId: string): Gate<MachineRoute> {
    const known = this.gates.get(tenantId);
    if (known) return known;
    const limits = { holdRequests: this.config.wakeHoldRequests, idleStopMs: this.config.idleStopSeconds * 1000 };
    const gate = new Gate<MachineRoute>(tenantId, limits, (from, to) => this.count(from, to));
    this.gates.set(tenantId, gate);
    this.metrics.gates.inc({ state: gate.state });
    return gate;
  }

  private forgetIfQuiet(gate: Gate<MachineRoute>): void {
    if (!gate.isForgettable || this.gates.get(gate.tenantId) !== gate) return;
    this.gates.delete(gate.tenantId);
    this.metrics.gates.dec({ state: gate.state });
  }

  private count(from: GateState, to: GateState): void {
    this.metrics.gates.dec({ state: from });
    this.metrics.gates.inc({ state: to });
  }

  private track(task: Promise<void>): void {
    this.tasks.add(task);
    void task
      .catch((error: unknown) => this.log.error({ error }, 'gate.task_failed'))
      .finally(() => this.tasks.delete(task));
  }
}

function shuttingDown(): ControlPlaneError {
  return new ControlPlaneError('shutting_down', 'The service is being restarted: try again in a moment.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
