import type { Logger } from '@app/common/logging/logger';
import type { Clock } from '@app/common/time/clock';
import type { Seen } from '@app/minifly-client/platform';
import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLOCK } from '../clock.token';
import { ControlPlaneConfig } from '../config';
import { CONFIG } from '../config.token';
import { ControlPlaneError } from '../error-codes';
import { GatesService } from '../gates/gates.service';
import { LOGGER } from '../logger.token';
import { couldNotAsk } from '../machines/platform-errors';
import { PlatformEvents } from '../machines/platform-events';
import { Metrics } from '../observability/metrics';
import { TenantsService } from '../tenants/tenants.service';
import { TimelineService } from '../tenants/timeline.service';
import type { UserApp } from '../tenants/user-app.entity';
import { decideAfterFailure } from './decide-after-failure';
import { decideNextStep, type NextStep, type RowFacts, type StepLimits } from './decide-next-step';
import { ProvisioningRows } from './provisioning-rows';
import { Steps, type Operation } from './steps';

const ROWS_AT_ONCE = 8;
/** Looks for what is due at least so often, whatever was missed. */
const SAFETY_NET_MS = 60_000;
const BUG_PAUSE_MS = 5000;
const NOTHING_SEEN: Seen = { app: 'absent', volumes: [], machines: [] };

/** `go_on`: decide again with what is known now. `look`: another name, so look again. `rest`: not now. */
type Outcome = 'go_on' | 'look' | 'rest';

/**
 * Carries each row that is `provisioning` or `deleting` on, step by step, until it is active, failed or gone. The rows are all the
 * memory there is: a process that was killed at any point is followed by one that looks and goes on.
 */
@Injectable()
export class ProvisionerService implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  private readonly running = new Map<string, Promise<void>>();
  private readonly closing = new AbortController();
  private readonly limits: StepLimits;
  private readonly stopListening: (() => void)[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** How often in a row the platform could not be asked. */
  private outages = 0;

  constructor(
    @Inject(CONFIG) config: Readonly<ControlPlaneConfig>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
    private readonly rows: ProvisioningRows,
    private readonly steps: Steps,
    private readonly tenants: TenantsService,
    private readonly timeline: TimelineService,
    private readonly gates: GatesService,
    private readonly events: PlatformEvents,
    private readonly metrics: Metrics,
  ) {
    this.limits = { deadlineMs: config.provisionDeadlineSeconds * 1000, goneMs: config.machineGoneSeconds * 1000 };
  }

  onApplicationBootstrap(): void {
    this.stopListening.push(
      this.tenants.onDue(() => this.takeUpDue()),
      this.events.onReturn(() => {
        this.rows.hurry(this.clock.now());
        this.takeUpDue();
      }),
    );
    this.takeUpDue();
  }

  onModuleDestroy(): void {
    this.closing.abort();
    clearTimeout(this.timer);
    for (const stop of this.stopListening) stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.whenAtRest();
  }

  /** Resolves when no row is being carried on: each has ended, or waits for its time. */
  async whenAtRest(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running.values());
  }

  /** Takes up what is due, each row once and a few rows at a time, and comes back when more is. */
  takeUpDue(): void {
    if (this.closing.signal.aborted) return;
    const now = this.clock.now();
    for (const id of this.rows.due(now, ROWS_AT_ONCE + this.running.size)) {
      if (this.running.size >= ROWS_AT_ONCE) break;
      if (!this.running.has(id)) this.running.set(id, this.run(id));
    }
    const next = this.rows.nextDueAfter(now) ?? Infinity;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.takeUpDue(), Math.min(Math.max(next - now, 1), SAFETY_NET_MS)).unref();
  }

  /** Never rejects. */
  private async run(id: string): Promise<void> {
    try {
      await this.carryOn(id);
    } catch (error) {
      this.log.error({ row: id, error }, 'provisioning.stopped');
      // Nothing could be written down, so the row is due as before: not at once again.
      await sleep(BUG_PAUSE_MS, undefined, { signal: this.closing.signal, ref: false }).catch(() => undefined);
    } finally {
      this.running.delete(id);
      this.takeUpDue();
    }
  }

  private async carryOn(id: string): Promise<void> {
    let known: Operation | null = null; // what was seen, until the row's status or name is another
    for (;;) {
      const found = await this.rows.find(id);
      const row = found && inWork(found.app);
      if (!row || this.closing.signal.aborted || row.nextAttemptAt > this.clock.now()) return;
      const isKnown: boolean = known?.app.status === row.status;
      const operation: Operation = known && isKnown ? Object.assign(known, found) : begin(found, this.closing.signal);
      try {
        if (!isKnown) operation.seen = await this.steps.look(operation);
        const { seen, readiness } = operation;
        const step = decideNextStep(row, found.tenant, seen, readiness, this.clock.now(), this.limits);
        const outcome = await this.take(step, operation);
        this.outages = 0;
        if (outcome === 'rest') return;
        known = outcome === 'go_on' ? operation : null;
      } catch (error) {
        return await this.afterFailure(operation, error);
      }
    }
  }

  private async take(step: NextStep, operation: Operation): Promise<Outcome> {
    const { steps } = this;
    switch (step.do) {
      case 'create_app':
        await steps.createApp(operation);
        return 'go_on';
      case 'rename':
        return await this.rename(operation);
      case 'create_volume':
        await steps.createVolume(operation, step.knownVolumeId);
        return 'go_on';
      case 'create_machine':
        await steps.createMachine(operation);
        return 'go_on';
      case 'start':
        await steps.start(operation, step.machineId);
        return 'go_on';
      case 'probe':
        await steps.askReady(operation, step.machineId);
        return 'go_on';
      case 'activate':
        await this.activate(operation, step);
        return 'rest';
      case 'wait':
        await this.wait(operation, step);
        return 'rest';
      case 'fail':
        await this.fail(operation, step.code, step.detail);
        return 'rest';
      case 'destroy':
        this.gates.closed(operation.tenant.id, deletingError());
        await steps.destroy(operation);
        this.forget(operation);
        return 'rest';
      case 'forget':
        this.forget(operation);
        return 'rest';
    }
  }

  private async rename(operation: Operation): Promise<Outcome> {
    const { appName } = operation.app;
    const renamed = this.rows.rename(operation.app);
    this.log.warn({ tenant: operation.tenant.id, appName, renamed }, 'tenant.renamed');
    if (renamed) return 'look';
    await this.fail(operation, 'name_taken', `The name ${appName} and the longer ones are somebody else's.`);
    return 'rest';
  }

  private async activate(operation: Operation, step: { machineId: string; databaseId: string }): Promise<void> {
    const { app, tenant, address } = operation;
    const at = this.clock.now();
    if (!this.rows.activate(app, step.databaseId, at)) return; // to be deleted, by now: taken up again as that
    this.log.info({ tenant: tenant.id, machine: step.machineId, ms: at - app.statusSince }, 'tenant.active');
    await this.gates.activated({
      tenantId: tenant.id,
      appName: app.appName,
      databaseId: step.databaseId,
      epoch: app.epoch,
      address: address ?? { origin: '', headers: {} },
      machine: { appName: app.appName, machineId: step.machineId },
      directUntil: tenant.directUntil ?? 0,
    });
    this.timeline.signal(tenant.id, 'state');
  }

  /** What is missing is counted apart from what was tried: only looks that lacked it make it believed gone. */
  private async wait({ app }: Operation, step: Extract<NextStep, { do: 'wait' }>): Promise<void> {
    const at = this.clock.now();
    const code = step.why === 'missing' ? 'machine_missing' : step.why;
    const lastError = { code, detail: step.detail, at };
    const counted =
      step.why === 'missing'
        ? { missingLooks: app.missingLooks + 1, missingSince: app.missingSince ?? at }
        : { attempts: app.attempts + 1 };
    await this.rows.putOff(app, { ...counted, nextAttemptAt: step.until, lastError });
    if (step.why === 'missing') this.log.warn({ tenant: app.userId, ...lastError, ...counted }, 'tenant.not_shown');
    this.timeline.signal(app.userId, 'state');
  }

  private async fail(operation: Operation, code: string, detail: string): Promise<void> {
    const { app, tenant } = operation;
    await this.steps.stopMachine(operation);
    const error = { code, detail, at: this.clock.now() };
    if (operation.current) await this.recordFailure(operation, error);
    if (!this.rows.fail(app, error)) return;
    this.log.warn({ tenant: tenant.id, code, detail }, 'tenant.failed');
    this.gates.closed(tenant.id, failedError());
    this.timeline.signal(tenant.id, 'state');
  }

  private forget({ app, tenant }: Operation): void {
    this.rows.forget(app, this.clock.now());
    this.gates.closed(tenant.id, deletingError());
    this.log.info({ tenant: tenant.id, appName: app.appName }, 'tenant.deleted');
    this.timeline.signal(tenant.id, 'state');
  }

  private async afterFailure(operation: Operation, error: unknown): Promise<void> {
    if (this.closing.signal.aborted) return;
    const { app, tenant } = operation;
    const now = this.clock.now();
    const facts = { row: app, hasDatabase: tenant.databaseId !== null, error, outages: this.outages, now };
    const next = decideAfterFailure({ ...facts, random: Math.random }, this.limits);
    this.outages = couldNotAsk(error) ? this.outages + 1 : 0;
    this.log.warn({ tenant: tenant.id, code: next.code, error }, 'provisioning.step_failed');
    const isNews = app.lastError?.code !== next.code;
    const lastError = { code: next.code, detail: next.detail, at: now };
    if (next.do === 'fail') return await this.failOrLater(operation, lastError);
    const attempts = next.do === 'try_again' ? { attempts: app.attempts + 1 } : {};
    await this.rows.putOff(app, { ...attempts, nextAttemptAt: next.at, lastError });
    // An outage of hours, or a refusal that repeats, is one line of the timeline.
    if (isNews) await this.recordFailure(operation, lastError);
    else this.timeline.signal(tenant.id, 'state');
  }

  /** Where even stopping its machine cannot be asked now, the row has not failed yet. */
  private async failOrLater(
    operation: Operation,
    lastError: { code: string; detail: string; at: number },
  ): Promise<void> {
    try {
      await this.fail(operation, lastError.code, lastError.detail);
    } catch (error) {
      this.log.warn({ tenant: operation.tenant.id, error }, 'provisioning.not_failed_yet');
      await this.rows.putOff(operation.app, { nextAttemptAt: this.clock.now() + 1000, lastError });
    }
  }

  private async recordFailure(
    { app, current }: Operation,
    error: { code: string; detail: string; at: number },
  ): Promise<void> {
    if (current)
      this.metrics.provisionSeconds.observe(
        { step: current.step, outcome: 'failed' },
        (error.at - current.since) / 1000,
      );
    await this.timeline.record({
      tenantId: app.userId,
      region: app.region,
      kind: 'step_failed',
      step: current?.step ?? null,
      detail: { code: error.code, detail: error.detail, ...(current ? { ms: error.at - current.since } : {}) },
    });
  }
}

function inWork(app: UserApp): (RowFacts & { nextAttemptAt: number }) | null {
  const { status } = app;
  return status === 'provisioning' || status === 'deleting' ? { ...app, status } : null;
}

function begin(found: Pick<Operation, 'app' | 'tenant'>, signal: AbortSignal): Operation {
  return { ...found, seen: NOTHING_SEEN, readiness: null, isConfigured: false, address: null, current: null, signal };
}

const failedError = () =>
  new ControlPlaneError('tenant_failed', 'The app could not be set up. The dashboard says why and can try again.');
const deletingError = () => new ControlPlaneError('tenant_deleting', 'The account is being deleted.');
