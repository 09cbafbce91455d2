import type { Logger } from '@app/common/logging/logger';
import type { Clock } from '@app/common/time/clock';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource, In } from 'typeorm';
import { CLOCK } from '../clock.token';
import { ControlPlaneConfig } from '../config';
import { CONFIG } from '../config.token';
import { handleOf } from '../database/atomically';
import { GatesService, type Companion } from '../gates/gates.service';
import { LOGGER } from '../logger.token';
import { describePlatformError } from '../machines/platform-errors';
import { TenantsService } from '../tenants/tenants.service';
import { TimelineService } from '../tenants/timeline.service';
import { UserApp } from '../tenants/user-app.entity';
import { ReplicaSteps } from './replica-steps';

const SWEEP_MS = 60_000;
const FIRST_PAUSE_MS = 5000;
const LAST_PAUSE_MS = 300_000;
const MIN_ATTEMPTS = 3;

/**
 * Replicas follow their tenant: they are made and started after the primary has answered, and stopped before it is, because a replica
 * without its primary serves nothing. One thing at a time for a tenant; a stop ends the bringing up that is under way.
 */
@Injectable()
export class ReplicaKeeper implements Companion, OnApplicationBootstrap, OnApplicationShutdown {
  private readonly turns = new Map<string, Promise<void>>();
  private readonly bringingUp = new Map<string, AbortController>();
  private readonly closing = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Readonly<ControlPlaneConfig>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
    private readonly dataSource: DataSource,
    private readonly gates: GatesService,
    private readonly tenants: TenantsService,
    private readonly timeline: TimelineService,
    private readonly steps: ReplicaSteps,
  ) {}

  onApplicationBootstrap(): void {
    this.gates.accompany(this);
    this.stopListening = this.tenants.onDue(() => this.sweep());
    // Not at once: what ran before a restart is adopted first, the primary before its replicas.
    this.timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopListening?.();
    this.closing.abort();
    await Promise.all(this.turns.values());
  }

  /** The primary answers, perhaps at another address than the one that a replica is being told to follow: that begins anew. */
  awake(tenantId: string): void {
    this.bringingUp.get(tenantId)?.abort();
    this.bringUpSoon(tenantId);
  }

  /** The primary is about to be stopped, or has ended. Resolves when the replicas have, or could not be asked; never rejects. */
  async stopping(tenantId: string): Promise<void> {
    this.bringingUp.get(tenantId)?.abort();
    await this.inTurn(tenantId, () => this.stopAll(tenantId));
  }

  /** Goes over what is to be made and what runs; what is to be done is done behind it. Never throws. */
  sweep(): void {
    try {
      for (const tenantId of this.tenantsToLookAt()) {
        const state = this.gates.find(tenantId)?.state ?? 'asleep';
        if (state === 'awake') this.bringUpSoon(tenantId);
        else if (state === 'asleep') void this.inTurn(tenantId, () => this.stopAll(tenantId));
      }
    } catch (error) {
      this.log.error({ error }, 'replicas.sweep_failed');
    }
  }

  /** Spelled as the index has it: this is asked at each sign-up too. */
  private tenantsToLookAt(): string[] {
    const rows = handleOf(this.dataSource)
      .prepare<[], { tenantId: string }>(
        `SELECT user_id AS tenantId FROM user_apps
         WHERE role = 'replica' AND (status = 'provisioning' OR (status = 'active' AND awake_since IS NOT NULL))`,
      )
      .all();
    return [...new Set(rows.map(({ tenantId }) => tenantId))];
  }

  private bringUpSoon(tenantId: string): void {
    void this.inTurn(tenantId, () => this.bringUpAll(tenantId));
  }

  private async bringUpAll(tenantId: string): Promise<void> {
    const stop = new AbortController();
    this.bringingUp.set(tenantId, stop);
    const signal = AbortSignal.any([stop.signal, this.closing.signal]);
    try {
      for (const row of await this.replicasOf(tenantId)) {
        const isAwake = this.gates.find(tenantId)?.state === 'awake';
        if (!isAwake || signal.aborted || row.nextAttemptAt > this.clock.now()) continue;
        await this.steps.bringUp(row, signal).catch((error: unknown) => this.failed(row, error, signal));
        this.timeline.signal(tenantId, 'state');
      }
    } finally {
      this.bringingUp.delete(tenantId);
    }
  }

  private async stopAll(tenantId: string): Promise<void> {
    const rows = await this.replicasOf(tenantId);
    for (const row of rows.filter(({ machineId, awakeSince }) => machineId !== null && awakeSince !== null)) {
      // One that could not be stopped keeps its mark, and the next sweep tries again.
      await this.steps
        .stop(row, this.closing.signal)
        .catch((error: unknown) =>
          this.log.warn({ tenant: tenantId, region: row.region, error }, 'replica.stop_failed'),
        );
    }
  }

  private async failed(row: UserApp, error: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return; // the tenant is being stopped, and so is what was begun; or it is begun anew
    const now = this.clock.now();
    const attempts = row.attempts + 1;
    this.log.warn({ tenant: row.userId, region: row.region, attempts, error }, 'replica.not_brought_up');
    const lastError = { ...describePlatformError(error), at: now };
    const nextAttemptAt = now + Math.min(FIRST_PAUSE_MS * 2 ** row.attempts, LAST_PAUSE_MS);
    await this.rows().update({ id: row.id }, { attempts, nextAttemptAt, lastError });
    const isOverdue = now - row.statusSince >= this.config.provisionDeadlineSeconds * 1000 && attempts >= MIN_ATTEMPTS;
    if (row.status !== 'provisioning' || !isOverdue) return;
    if (row.machineId !== null) await this.steps.stop(row, signal);
    await this.rows().update({ id: row.id, status: 'provisioning' }, { status: 'failed', statusSince: now });
    const { code, detail } = lastError;
    await this.timeline.record({ tenantId: row.userId, region: row.region, kind: 'failed', detail: { code, detail } });
  }

  private replicasOf(tenantId: string): Promise<UserApp[]> {
    return this.rows().find({
      where: { userId: tenantId, role: 'replica', status: In(['provisioning', 'active']) },
      order: { region: 'ASC' },
    });
  }

  private inTurn(tenantId: string, work: () => Promise<void>): Promise<void> {
    const before = this.turns.get(tenantId) ?? Promise.resolve();
    const turn = before
      .then(() => (this.closing.signal.aborted ? undefined : work()))
      .catch((error: unknown) => this.log.error({ tenant: tenantId, error }, 'replicas.failed'))
      .finally(() => {
        if (this.turns.get(tenantId) === turn) this.turns.delete(tenantId);
      });
    this.turns.set(tenantId, turn);
    return turn;
  }

  private rows() {
    return this.dataSource.getRepository(UserApp);
  }
}
