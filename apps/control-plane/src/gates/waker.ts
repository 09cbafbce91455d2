import type { Logger } from '@app/common/logging/logger';
import type { Clock } from '@app/common/time/clock';
import { failedWith } from '@app/minifly-client/errors';
import type { MachineAddress, MachineRef, Platform, Seen } from '@app/minifly-client/platform';
import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, IsNull } from 'typeorm';
import { CLOCK } from '../clock.token';
import { ControlPlaneError } from '../error-codes';
import { LOGGER } from '../logger.token';
import { MachineSpecs } from '../machines/machine-spec';
import { movedVolume } from '../machines/moved-volume';
import { couldNotAsk, describePlatformError, isVolumeMissing } from '../machines/platform-errors';
import { PLATFORM } from '../machines/platform.token';
import { ReadinessProbe, type Readiness } from '../machines/readiness';
import { StartQueue } from '../machines/start-queue';
import { TenantTokenSigner } from '../machines/token-signer';
import { within } from '../machines/within';
import { Metrics } from '../observability/metrics';
import { Tenant } from '../tenants/tenant.entity';
import { TenantsService } from '../tenants/tenants.service';
import { TimelineService } from '../tenants/timeline.service';
import { UserApp, type AppStatus } from '../tenants/user-app.entity';
import { decideWake, machineOf } from './decide-wake';
import { MachineRoute } from './machine-route';
import { MachineViews } from './machine-views';

export type WakeResult =
  | { outcome: 'awake'; route: MachineRoute; directUntil: number }
  /** It does not run, or is not ready, and was not to be started. */
  | { outcome: 'asleep' }
  /** Provisioning is at it, and says when it has ended. */
  | { outcome: 'provisioning' }
  | { outcome: 'failed'; error: ControlPlaneError };

/** How long a started machine has to get ready. A wake goes on when its waiters have gone. */
const READY_MS = 60_000;
/** One that should be ready already. */
const ADOPT_READY_MS = 5000;
/** After so long without an answer the platform is asked whether the machine still runs. */
const LOOK_AGAIN_MS = 2000;
/** The first time, of one that was to run already: Docker takes some hundred milliseconds to notice that a container has ended. */
const LOOK_SOON_MS = 200;
const WRONG_TENANT_PAUSE_MS = 250;
const VERB_MS = 45_000;
const RETRY_AFTER_SECONDS = 5;

type Running = { address: MachineAddress; readiness: Readiness; hasEnded: boolean };
type BringUp = { isRunning: boolean; needsUpdate: boolean; readyMs: number; mayStart: boolean };

/** Brings one tenant's machine to where it answers, and back to its row what was found. One call at a time for a tenant: see the gate. */
@Injectable()
export class Waker {
  constructor(
    @Inject(PLATFORM) private readonly platform: Platform,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
    private readonly dataSource: DataSource,
    private readonly tenants: TenantsService,
    private readonly timeline: TimelineService,
    private readonly specs: MachineSpecs,
    private readonly probe: ReadinessProbe,
    private readonly starts: StartQueue,
    private readonly signer: TenantTokenSigner,
    private readonly views: MachineViews,
    private readonly metrics: Metrics,
  ) {}

  /** `start`: for a request. `adopt`: for a row that says awake; nothing is started and nothing refused. Never throws. */
  async wake(tenantId: string, mode: 'start' | 'adopt', signal: AbortSignal): Promise<WakeResult> {
    try {
      const found = await this.tenants.find(tenantId);
      if (found?.app.status !== 'active') return notActive(found?.app.status ?? 'gone');
      return await this.wakeActive(found.tenant, found.app, mode, signal);
    } catch (error) {
      return await this.explain(tenantId, error, mode, signal);
    }
  }

  /** The row has become what a stop leaves behind. */
  async noteStopped(tenantId: string): Promise<void> {
    this.views.saw(tenantId, 'stopped', this.clock.now());
    await this.rows().update({ userId: tenantId, role: 'primary', status: 'active' }, { awakeSince: null });
  }

  private async wakeActive(tenant: Tenant, app: UserApp, mode: 'start' | 'adopt', signal: AbortSignal) {
    const spec = { appName: app.appName, tenantId: tenant.id };
    const seen = await this.platform.look(spec, within(signal, VERB_MS));
    this.noteSeen(app, seen);
    await this.followVolume(app, seen);
    const step = decideWake(app, seen, (env) => this.specs.isOutdated(app, env), mode);
    switch (step.do) {
      case 'leave_asleep':
        await this.rows().update({ id: app.id, status: 'active' }, { awakeSince: null });
        return { outcome: 'asleep' } as const;
      case 'leave_alone':
        return { outcome: 'asleep' } as const;
      case 'hand_over':
        // A look that was only to adopt changes nothing: who wakes the tenant looks again.
        return mode === 'adopt' ? ({ outcome: 'asleep' } as const) : await this.handOver(app, step);
      case 'start':
        return await this.bringUp(
          tenant,
          app,
          { ...step, readyMs: mode === 'start' ? READY_MS : ADOPT_READY_MS, mayStart: mode === 'start' },
          signal,
        );
    }
  }

  private async bringUp(tenant: Tenant, app: UserApp, step: BringUp, signal: AbortSignal): Promise<WakeResult> {
    const begun = this.clock.now();
    const endTurn = step.isRunning && !step.needsUpdate ? () => undefined : await this.starts.enter('wake', signal);
    try {
      const ref = await this.start(app, step, signal);
      const started = this.clock.now();
      const { address, readiness, hasEnded } = await this.untilReady(tenant, app, ref, step, signal);
      // The platform had not noticed yet that the machine was dead.
      if (hasEnded && step.isRunning && step.mayStart) {
        return await this.bringUp(tenant, app, { ...step, isRunning: false, needsUpdate: false }, signal);
      }
      const ready = this.clock.now();
      this.observe('ready', readiness.outcome === 'ready' ? 'done' : 'failed', ready - started);
      if (readiness.outcome === 'wrongDatabase') {
        return await this.handOver(app, { code: 'volume_missing', detail: readiness.detail });
      }
      if (readiness.outcome !== 'ready' || tenant.databaseId === null) {
        const detail = 'detail' in readiness ? readiness.detail : 'no database id is known';
        throw new ControlPlaneError('tenant_not_ready', `The app was started and is not ready: ${detail}.`, {
          retryAfterSeconds: RETRY_AFTER_SECONDS,
        });
      }
      const target = {
        tenantId: tenant.id,
        appName: app.appName,
        databaseId: tenant.databaseId,
        epoch: app.epoch,
        address,
        machine: ref,
      };
      const route = await MachineRoute.open(target, this.signer, this.clock);
      if (!step.isRunning) {
        const detail = { ms: ready - begun, startMs: started - begun, readyMs: ready - started };
        await this.timeline.record({ tenantId: tenant.id, region: app.region, kind: 'woken', detail });
        this.log.info({ tenant: tenant.id, machine: ref.machineId, ...detail }, 'tenant.woken');
      }
      return { outcome: 'awake', route, directUntil: tenant.directUntil ?? 0 };
    } finally {
      endTurn();
    }
  }

  private async start(
    app: UserApp,
    step: { isRunning: boolean; needsUpdate: boolean },
    signal: AbortSignal,
  ): Promise<MachineRef> {
    const ref = { appName: app.appName, machineId: app.machineId ?? '' };
    // Before the start: whoever finds this row after a crash knows that the machine may run.
    const noted = await this.rows().update(
      { id: app.id, status: 'active', awakeSince: IsNull() },
      { awakeSince: this.clock.now() },
    );
    if (noted.affected === 0 && !(await this.rows().existsBy({ id: app.id, status: 'active' }))) {
      throw new ControlPlaneError('tenant_not_ready', 'The app is being changed.', { retryAfterSeconds: 1 });
    }
    if (step.needsUpdate) {
      await this.platform.ensureMachine(this.specs.specOf(app, app.volumeId ?? ''), within(signal, VERB_MS));
    }
    if (step.isRunning && !step.needsUpdate) return ref;
    const begun = this.clock.now();
    this.views.saw(app.userId, 'starting', begun);
    await this.platform.start(ref, within(signal, VERB_MS));
    this.views.saw(app.userId, 'started', this.clock.now());
    this.observe('start', 'done', this.clock.now() - begun);
    return ref;
  }

  /** Asks the machine, at the address that the platform gives now, until it is ready, has ended, or the time is over. */
  private async untilReady(
    tenant: Tenant,
    app: UserApp,
    ref: MachineRef,
    { readyMs, isRunning }: { readyMs: number; isRunning: boolean },
    signal: AbortSignal,
  ): Promise<Running> {
    const deadline = this.clock.now() + readyMs;
    for (let askMs = isRunning ? LOOK_SOON_MS : LOOK_AGAIN_MS; ; askMs = Math.min(askMs * 2, LOOK_AGAIN_MS)) {
      const address = await this.platform.address(ref, within(signal, VERB_MS));
      const question = { ...address, tenantId: tenant.id, databaseId: tenant.databaseId };
      const readiness = await this.probe.waitUntilReady(question, askMs, signal);
      const mayChange = readiness.outcome === 'notYet' || readiness.outcome === 'wrongTenant';
      if (!mayChange || this.clock.now() >= deadline) return { address, readiness, hasEnded: false };
      const seen = await this.platform.look({ appName: app.appName, tenantId: tenant.id }, within(signal, VERB_MS));
      const state = machineOf(app, seen)?.state;
      this.noteSeen(app, seen);
      if (state !== 'started' && state !== 'starting') {
        const detail = `its machine is ${state ?? 'gone'}`;
        return { address, readiness: { outcome: 'notYet', detail }, hasEnded: state !== undefined };
      }
      // Somebody else answered, at once: the address may be given out anew in a moment.
      if (readiness.outcome === 'wrongTenant') await sleep(WRONG_TENANT_PAUSE_MS, undefined, { signal });
    }
  }

  /** The row goes back to `provisioning`, which alone decides about what is missing, and the request is held meanwhile. */
  private async handOver(app: UserApp, why: { code: string; detail: string }): Promise<WakeResult> {
    const at = this.clock.now();
    this.log.warn({ tenant: app.userId, code: why.code, detail: why.detail }, 'tenant.handed_to_provisioning');
    const changed = await this.rows().update(
      { id: app.id, status: 'active' },
      { status: 'provisioning', statusSince: at, attempts: 0, nextAttemptAt: at, lastError: { ...why, at } },
    );
    if (!changed.affected) return notActive((await this.rows().findOneBy({ id: app.id }))?.status ?? 'gone');
    if (why.code === 'machine_missing') {
      await this.timeline.record({ tenantId: app.userId, region: app.region, kind: 'machine_missing', detail: why });
    }
    this.tenants.announceDue();
    this.timeline.signal(app.userId, 'state');
    return { outcome: 'provisioning' };
  }

  private async explain(
    tenantId: string,
    error: unknown,
    mode: 'start' | 'adopt',
    signal: AbortSignal,
  ): Promise<WakeResult> {
    if (signal.aborted) return refuse('shutting_down', 'The service is being restarted: try again in a moment.');
    if (mode === 'adopt') {
      this.log.warn({ tenant: tenantId, error }, 'tenant.not_adopted');
      return { outcome: 'asleep' };
    }
    try {
      return await this.explainWake(tenantId, error);
    } catch (second) {
      this.log.error({ tenant: tenantId, error: second }, 'tenant.wake_failed');
      return refuse('tenant_not_ready', 'The app could not be started: try again in a moment.');
    }
  }

  private async explainWake(tenantId: string, error: unknown): Promise<WakeResult> {
    const app = await this.rows().findOneBy({ userId: tenantId, role: 'primary' });
    if (app && isVolumeMissing(error)) return await this.handOver(app, describePlatformError(error));
    if (app && failedWith(error, 'not_found')) {
      return await this.handOver(app, { code: 'machine_missing', detail: error.message });
    }
    if (app && failedWith(error, 'capacity_host')) {
      return await this.handOver(app, { code: 'host_full', detail: error.message });
    }
    const code = error instanceof ControlPlaneError ? error.code : describePlatformError(error).code;
    this.log.warn({ tenant: tenantId, code, error }, 'tenant.wake_failed');
    this.observe('start', 'failed', 0);
    if (couldNotAsk(error)) {
      return refuse(
        'platform_unavailable',
        'The platform that runs the apps cannot be reached: try again in a moment.',
      );
    }
    const detail = { code, detail: error instanceof Error ? error.message : String(error) };
    await this.timeline.record({ tenantId, region: app?.region ?? null, kind: 'wake_failed', detail });
    if (error instanceof ControlPlaneError) return { outcome: 'failed', error };
    return refuse('tenant_not_ready', 'The app could not be started: try again in a moment.');
  }

  private async followVolume(app: UserApp, seen: Seen): Promise<void> {
    const volumeId = movedVolume(app, seen);
    if (volumeId === null) return;
    this.log.warn({ tenant: app.userId, from: app.volumeId, to: volumeId }, 'tenant.volume_moved');
    await this.rows().update({ id: app.id, status: 'active' }, { volumeId });
    app.volumeId = volumeId;
  }

  private noteSeen(app: UserApp, seen: Seen): void {
    const machine = machineOf(app, seen);
    if (machine) this.views.saw(app.userId, machine.state, this.clock.now());
  }

  private observe(phase: 'start' | 'ready', outcome: 'done' | 'failed', ms: number): void {
    this.metrics.wakeSeconds.observe({ phase, outcome }, ms / 1000);
  }

  private rows() {
    return this.dataSource.getRepository(UserApp);
  }
}

function notActive(status: AppStatus | 'gone'): WakeResult {
  switch (status) {
    case 'failed':
      return refuse('tenant_failed', 'The app could not be set up. The dashboard says why and can try again.');
    case 'deleting':
      return refuse('tenant_deleting', 'The account is being deleted.');
    case 'gone':
      return refuse('not_found', 'There is no app for this account.');
    case 'provisioning':
    case 'active': // again, a moment after it was not: provisioning has just said so to the gate
      return { outcome: 'provisioning' };
  }
}

function refuse(code: ControlPlaneError['code'], message: string): WakeResult {
  const isPassing = code !== 'not_found' && code !== 'tenant_failed' && code !== 'tenant_deleting';
  const options = isPassing ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {};
  return { outcome: 'failed', error: new ControlPlaneError(code, message, options) };
}
