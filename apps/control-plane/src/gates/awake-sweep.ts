import type { Logger } from '@app/common/logging/logger';
import type { Clock } from '@app/common/time/clock';
import type { Platform } from '@app/minifly-client/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource, IsNull, Not } from 'typeorm';
import { CLOCK } from '../clock.token';
import { LOGGER } from '../logger.token';
import { PlatformEvents } from '../machines/platform-events';
import { PLATFORM } from '../machines/platform.token';
import { within } from '../machines/within';
import { UserApp } from '../tenants/user-app.entity';
import { decideWake, machineOf } from './decide-wake';
import { GatesService } from './gates.service';

const SWEEP_MS = 60_000;
const LOOKS_AT_ONCE = 4;
const LOOK_MS = 30_000;
/** A machine that runs for so long and never got ready is stopped: the next wake starts it anew. */
const NEVER_READY_MS = 10 * 60_000;

/**
 * Compares what the rows say is awake with what the platform shows: at start, each minute, and when the platform was away.
 * Costs what runs, not who has an account. What could not be asked changes nothing.
 */
@Injectable()
export class AwakeSweep implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;
  private readonly closing = new AbortController();
  private current: Promise<void> | null = null;
  private isWantedAgain = false;

  constructor(
    @Inject(PLATFORM) private readonly platform: Platform,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
    private readonly dataSource: DataSource,
    private readonly gates: GatesService,
    private readonly events: PlatformEvents,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.sweep(), SWEEP_MS).unref();
    this.stopListening = this.events.onReturn(() => void this.sweep());
    void this.sweep();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    this.stopListening?.();
    this.closing.abort();
    await this.current;
  }

  /** One sweep at a time; asked for meanwhile, it runs once more. Never rejects. */
  async sweep(): Promise<void> {
    if (this.current) {
      this.isWantedAgain = true;
      return this.current;
    }
    do {
      this.isWantedAgain = false;
      this.current = this.sweepOnce().catch((error: unknown) => this.log.error({ error }, 'sweep.failed'));
      await this.current;
    } while (this.isWantedAgain && !this.closing.signal.aborted);
    this.current = null;
  }

  private async sweepOnce(): Promise<void> {
    const rows = await this.dataSource
      .getRepository(UserApp)
      .find({ where: { role: 'primary', status: 'active', awakeSince: Not(IsNull()) }, order: { awakeSince: 'DESC' } });
    const lookers = Array.from({ length: LOOKS_AT_ONCE }, async () => {
      for (let row = rows.pop(); row && !this.closing.signal.aborted; row = rows.pop()) await this.compare(row);
    });
    await Promise.all(lookers);
  }

  private async compare(row: UserApp): Promise<void> {
    const gate = this.gates.find(row.userId);
    if (gate?.state === 'waking' || gate?.state === 'stopping') return; // somebody is at it
    try {
      if (!gate?.route) return await this.adopt(row);
      const { route } = gate;
      const signal = within(this.closing.signal, LOOK_MS);
      const seen = await this.platform.look({ appName: row.appName, tenantId: row.userId }, signal);
      const step = decideWake(row, seen, () => false, 'adopt');
      const state = machineOf(row, seen)?.state;
      if (state) this.gates.sawMachine(row.userId, state);
      if (step.do === 'leave_asleep') await this.gates.machineEnded(gate, route, step.state);
    } catch (error) {
      if (!this.closing.signal.aborted) this.log.warn({ tenant: row.userId, error }, 'sweep.could_not_look');
    }
  }

  private async adopt(row: UserApp): Promise<void> {
    await this.gates.adopt(row.userId);
    const isRunningUnready =
      this.gates.machineState(row.userId).state === 'started' && !this.gates.find(row.userId)?.route;
    if (!isRunningUnready || this.clock.now() - (row.awakeSince ?? 0) < NEVER_READY_MS) return;
    this.log.warn({ tenant: row.userId, machine: row.machineId }, 'tenant.never_ready');
    const signal = within(this.closing.signal, LOOK_MS);
    await this.platform.stop({ appName: row.appName, machineId: row.machineId ?? '' }, signal);
  }
}
