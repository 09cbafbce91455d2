import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One user's tenancy. Never removed: with `deletedAt` it is its own tombstone. Times in epoch milliseconds. */
@Entity('tenants')
export class Tenant {
  /** The user's id. */
  @PrimaryColumn('text') id!: string;

  @Column('text', { name: 'app_name', unique: true }) appName!: string;

  /** Identity of the database file, written at the first healthy. A tenant that has one never gets a new volume by itself. */
  @Column('text', { name: 'database_id', nullable: true }) databaseId!: string | null;

  /** Until when a direct token may be in use; the machine is not stopped before. */
  @Column('integer', { name: 'direct_until', nullable: true }) directUntil!: number | null;

  @Column('integer', { name: 'created_at' }) createdAt!: number;

  @Column('integer', { name: 'deleted_at', nullable: true }) deletedAt!: number | null;
}
