import { systemClock, type Clock } from '@app/common/time/clock';
import { Injectable } from '@nestjs/common';
import { EventEmitter } from 'node:events';
import { DataSource } from 'typeorm';
import { TenantEvent, type EventKind, type ProvisionStep } from './event.entity';

export interface NewEvent {
  tenantId: string;
  kind: EventKind;
  region?: string | null;
  step?: ProvisionStep | null;
  detail?: Record<string, unknown> | null;
}

/** What a dashboard that is open hears. `step`: the timeline has grown; `state`: status or machine state is another; `changed`: a write went through. */
export type TenantSignal = 'step' | 'state' | 'changed';

/** A tenant's events: kept in order, and said aloud to who listens in this process. */
@Injectable()
export class TimelineService {
  private readonly signals = new EventEmitter().setMaxListeners(0);
  clock: Clock = systemClock;

  constructor(private readonly dataSource: DataSource) {}

  /** Appends one event and tells the listeners. */
  async record(event: NewEvent): Promise<void> {
    await this.dataSource.getRepository(TenantEvent).insert({
      tenantId: event.tenantId,
      kind: event.kind,
      region: event.region ?? null,
      step: event.step ?? null,
      detail: (event.detail ?? null) as never, // TypeORM's partial type does not take a plain record
      at: this.clock.now(),
    });
    this.signal(event.tenantId, event.step ? 'step' : 'state');
  }

  /** The latest events of a tenant, oldest first. */
  async list(tenantId: string, limit = 200): Promise<TenantEvent[]> {
    const latest = await this.dataSource
      .getRepository(TenantEvent)
      .find({ where: { tenantId }, order: { id: 'DESC' }, take: limit });
    return latest.reverse();
  }

  /** The latest event of this kind, or null. */
  last(tenantId: string, kind: EventKind): Promise<TenantEvent | null> {
    return this.dataSource.getRepository(TenantEvent).findOne({ where: { tenantId, kind }, order: { id: 'DESC' } });
  }

  signal(tenantId: string, signal: TenantSignal): void {
    this.signals.emit(tenantId, signal);
  }

  /** Calls `listener` for each signal until the returned function is called. */
  subscribe(tenantId: string, listener: (signal: TenantSignal) => void): () => void {
    this.signals.on(tenantId, listener);
    return () => this.signals.off(tenantId, listener);
  }
}
