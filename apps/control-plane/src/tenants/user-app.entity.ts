import { Column, Entity, PrimaryColumn, Unique } from 'typeorm';

export type AppStatus = 'provisioning' | 'active' | 'failed' | 'deleting';
/** Of a tenant's apps one is the primary, which alone writes. */
export type AppRole = 'primary' | 'replica';
/** What the volume holds: a plain directory, or the data of a LiteFS. */
export type VolumeKind = 'plain' | 'litefs';

/**
 * A tenant's app in one region. The row is the operation: what is on it says how far it has come.
 * Times in epoch milliseconds.
 */
@Entity('user_apps')
@Unique(['userId', 'region'])
export class UserApp {
  @PrimaryColumn('text') id!: string;

  @Column('text', { name: 'user_id' }) userId!: string;

  @Column('text', { name: 'app_name' }) appName!: string;

  @Column('text') region!: string;

  @Column('text', { default: 'primary' }) role!: AppRole;

  /** Goes up whenever another app of the tenant becomes the primary: a machine of an earlier one can acknowledge no write. */
  @Column('integer', { default: 1 }) epoch!: number;

  /** Written with the volume's id; a volume never changes its kind. */
  @Column('text', { name: 'volume_kind', default: 'plain' }) volumeKind!: VolumeKind;

  @Column('text', { name: 'machine_id', nullable: true }) machineId!: string | null;

  @Column('text', { name: 'volume_id', nullable: true }) volumeId!: string | null;

  @Column('text') status!: AppStatus;

  @Column('integer', { name: 'status_since' }) statusSince!: number;

  /** Tries since `statusSince` that came to nothing. */
  @Column('integer') attempts!: number;

  /** Not before this is the row looked at again. */
  @Column('integer', { name: 'next_attempt_at' }) nextAttemptAt!: number;

  /** Written before the machine is started, cleared after its stop was seen. */
  @Column('integer', { name: 'awake_since', nullable: true }) awakeSince!: number | null;

  /** Since when the platform does not show the machine or volume that the row names, in so many looks; it is believed gone later. */
  @Column('integer', { name: 'missing_since', nullable: true }) missingSince!: number | null;

  @Column('integer', { name: 'missing_looks', default: 0 }) missingLooks!: number;

  /** JSON of a `LastError`. */
  @Column('simple-json', { name: 'last_error', nullable: true }) lastError!: LastError | null;
}

/** Why the last try came to nothing, for the page and the operator. */
export interface LastError {
  code: string;
  detail: string;
  at: number;
}
