import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

export const PROVISION_STEPS = ['app', 'volume', 'machine', 'started', 'healthy'] as const;
export type ProvisionStep = (typeof PROVISION_STEPS)[number];

export type EventKind =
  | 'signed_up'
  | 'step_started'
  | 'step_done'
  | 'step_failed'
  | 'active'
  | 'failed'
  | 'retried'
  | 'machine_missing'
  | 'woken'
  | 'wake_failed'
  | 'stopped'
  | 'replica_added'
  | 'replica_active'
  | 'delete_requested'
  | 'deleted';

/** One line of a tenant's timeline. Append-only. */
@Entity('events')
@Index(['tenantId', 'id'])
export class TenantEvent {
  @PrimaryGeneratedColumn('increment') id!: number;

  @Column('text', { name: 'tenant_id' }) tenantId!: string;

  @Column('text', { nullable: true }) region!: string | null;

  /** Epoch milliseconds. */
  @Column('integer') at!: number;

  @Column('text') kind!: EventKind;

  @Column('text', { nullable: true }) step!: ProvisionStep | null;

  @Column('simple-json', { nullable: true }) detail!: Record<string, unknown> | null;
}
