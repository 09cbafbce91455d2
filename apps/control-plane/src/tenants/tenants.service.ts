import type { SqliteDatabase } from '@app/common/sqlite/open';
import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { DataSource } from 'typeorm';
import { atomically } from '../database/atomically';
import { ControlPlaneError } from '../error-codes';
import { chooseAppName } from './app-name';
import type { RegionCode } from './regions';
import { Tenant } from './tenant.entity';
import { TimelineService } from './timeline.service';
import { UserApp } from './user-app.entity';

/** A tenant and its primary app. */
export interface TenantWithApp {
  tenant: Tenant;
  app: UserApp;
}

/** Times in epoch milliseconds. */
export interface Deletion {
  requestedAt: number;
  /** When app, machine, volume and user were all gone; null while they are not. */
  endedAt: number | null;
  /** What the last try ran into. */
  lastError: string | null;
}

/** What is on record of tenants. Who runs them is `gates/` and `provisioning/`. */
@Injectable()
export class TenantsService {
  private readonly due = new EventEmitter();

  constructor(
    private readonly dataSource: DataSource,
    private readonly timeline: TimelineService,
  ) {}

  /** The tenant's rows, or null where its app is gone (deleted) or never was. */
  async find(tenantId: string): Promise<TenantWithApp | null> {
    const [tenant, app] = await Promise.all([
      this.dataSource.getRepository(Tenant).findOneBy({ id: tenantId }),
      this.dataSource.getRepository(UserApp).findOneBy({ userId: tenantId, role: 'primary' }),
    ]);
    return tenant && app ? { tenant, app } : null;
  }

  /** The tenant's read-only copies in other regions. */
  replicasOf(tenantId: string): Promise<UserApp[]> {
    const where = { userId: tenantId, role: 'replica' } as const;
    return this.dataSource.getRepository(UserApp).find({ where, order: { region: 'ASC' } });
  }

  /** As `find`; throws `not_found`. */
  async get(tenantId: string): Promise<TenantWithApp> {
    const found = await this.find(tenantId);
    if (!found) throw new ControlPlaneError('not_found', 'There is no app for this account.');
    return found;
  }

  /**
   * Writes the tenant and its app as `provisioning`, inside the caller's transaction, so that an account never exists without them.
   * The name takes more digits of the user's id where the first eight are another tenant's.
   */
  createWithin(db: SqliteDatabase, user: { id: string; region: RegionCode; at: number }): void {
    const nameTaken = db.prepare('SELECT 1 FROM tenants WHERE app_name = ?');
    const appName = chooseAppName(user.id, (name) => nameTaken.get(name) !== undefined);
    db.prepare('INSERT INTO tenants (id, app_name, created_at) VALUES (?, ?, ?)').run(user.id, appName, user.at);
    db.prepare(
      `INSERT INTO user_apps (id, user_id, app_name, region, status, status_since, attempts, next_attempt_at)
       VALUES (?, ?, ?, ?, 'provisioning', ?, 0, ?)`,
    ).run(randomUUID(), user.id, appName, user.region, user.at, user.at);
    db.prepare("INSERT INTO events (tenant_id, region, at, kind) VALUES (?, ?, ?, 'signed_up')").run(
      user.id,
      user.region,
      user.at,
    );
    this.announceDue();
  }

  /** Marks the tenant for deletion, inside the caller's transaction. Repeatable. */
  markDeletedWithin(db: SqliteDatabase, tenantId: string, at: number): void {
    const marked = db
      .prepare('UPDATE tenants SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL')
      .run(at, tenantId);
    if (marked.changes === 0) return;
    db.prepare(
      `UPDATE user_apps SET status = 'deleting', status_since = ?, attempts = 0, next_attempt_at = ?, last_error = NULL,
         missing_since = NULL, missing_looks = 0
       WHERE user_id = ?`,
    ).run(at, at, tenantId);
    db.prepare("INSERT INTO events (tenant_id, at, kind) VALUES (?, ?, 'delete_requested')").run(tenantId, at);
    this.announceDue();
  }

  /** True from the request to delete the tenant on, for ever. */
  isDeletedWithin(db: SqliteDatabase, tenantId: string): boolean {
    return db.prepare('SELECT 1 FROM tenants WHERE id = ? AND deleted_at IS NOT NULL').get(tenantId) !== undefined;
  }

  /** How far the deletion of a tenant is, or null where none was asked for. */
  async findDeletion(tenantId: string): Promise<Deletion | null> {
    const { deletedAt } = (await this.dataSource.getRepository(Tenant).findOneBy({ id: tenantId })) ?? {};
    if (!deletedAt) return null;
    const app = await this.dataSource.getRepository(UserApp).findOneBy({ userId: tenantId });
    const end = await this.timeline.last(tenantId, 'deleted');
    const hasEnded = !app && end !== null;
    return { requestedAt: deletedAt, endedAt: hasEnded ? end.at : null, lastError: app?.lastError?.detail ?? null };
  }

  /** Takes a failed app up again where it stopped. Throws `retry_not_possible` when it has not failed. */
  async retry(tenantId: string, at: number): Promise<void> {
    const changed = atomically(
      this.dataSource,
      (db) =>
        db
          .prepare(
            `UPDATE user_apps SET status = 'provisioning', status_since = ?, attempts = 0, next_attempt_at = ?, last_error = NULL,
               missing_since = NULL, missing_looks = 0
             WHERE user_id = ? AND status = 'failed'`,
          )
          .run(at, at, tenantId).changes,
    );
    if (changed === 0)
      throw new ControlPlaneError('retry_not_possible', 'There is nothing to retry: the app has not failed.');
    await this.timeline.record({ tenantId, kind: 'retried' });
    this.announceDue();
  }

  /** Calls `listener` whenever a row has become due, after its transaction, until the given function is called. */
  onDue(listener: () => void): () => void {
    this.due.on('due', listener);
    return () => this.due.off('due', listener);
  }

  /** Tells who listens, in a later turn: a transaction that this is called in is synchronous and has ended by then. */
  announceDue(): void {
    setImmediate(() => this.due.emit('due'));
  }
}
