import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { atomically, handleOf } from '../database/atomically';
import { APP_NAME_DIGITS, appNameOf } from '../tenants/app-name';
import { Tenant } from '../tenants/tenant.entity';
import type { TenantWithApp } from '../tenants/tenants.service';
import { UserApp, type LastError } from '../tenants/user-app.entity';

type Changes = Partial<Omit<UserApp, 'id' | 'userId' | 'status' | 'appName'>>;

/** Replicas are made by replicas/, and go with everything else of their tenant. */
const MINE = "(role = 'primary' OR status = 'deleting')";

/** What provisioning reads and writes: one row is one operation. */
@Injectable()
export class ProvisioningRows {
  constructor(private readonly dataSource: DataSource) {}

  /** Ids of what is due, the longest waiting first. The condition is spelled as the index has it. */
  due(now: number, limit: number): string[] {
    return handleOf(this.dataSource)
      .prepare<[number, number], { id: string }>(
        `SELECT id FROM user_apps WHERE status IN ('provisioning', 'deleting') AND next_attempt_at <= ? AND ${MINE}
         ORDER BY next_attempt_at LIMIT ?`,
      )
      .all(now, limit)
      .map(({ id }) => id);
  }

  /** When the next row is due that is not yet, or null. */
  nextDueAfter(now: number): number | null {
    const row = handleOf(this.dataSource)
      .prepare<[number], { at: number | null }>(
        `SELECT min(next_attempt_at) AS at FROM user_apps WHERE status IN ('provisioning', 'deleting') AND next_attempt_at > ?
         AND ${MINE}`,
      )
      .get(now);
    return row?.at ?? null;
  }

  /** Makes due at once what waits only because the platform could not be asked. */
  hurry(now: number): void {
    atomically(this.dataSource, (db) =>
      db
        .prepare(
          `UPDATE user_apps SET next_attempt_at = ? WHERE status IN ('provisioning', 'deleting') AND next_attempt_at > ?
           AND json_extract(last_error, '$.code') = 'platform_unavailable'`,
        )
        .run(now, now),
    );
  }

  async find(id: string): Promise<TenantWithApp | null> {
    const app = await this.dataSource.getRepository(UserApp).findOneBy({ id });
    const tenant = app && (await this.dataSource.getRepository(Tenant).findOneBy({ id: app.userId }));
    return app && tenant ? { tenant, app } : null;
  }

  /** At once and by itself: what was made on the platform is on the row before anything else is done. */
  async write(app: UserApp, changes: Changes): Promise<void> {
    await this.dataSource.getRepository(UserApp).update({ id: app.id }, changes);
    Object.assign(app, changes);
  }

  /** When and why it is tried again; not where the status was changed meanwhile, because that work is due at once. */
  async putOff(app: UserApp, changes: Changes & Pick<UserApp, 'nextAttemptAt' | 'lastError'>): Promise<void> {
    await this.dataSource.getRepository(UserApp).update({ id: app.id, status: app.status }, changes);
  }

  /** Gives the app the next longer name that no tenant of ours has. Null where all are taken. */
  rename(app: UserApp): string | null {
    return atomically(this.dataSource, (db) => {
      const taken = db.prepare('SELECT 1 FROM tenants WHERE app_name = ?');
      const name = APP_NAME_DIGITS.map((digits) => appNameOf(app.userId, digits)).find(
        (one) => one.length > app.appName.length && taken.get(one) === undefined,
      );
      if (!name) return null;
      db.prepare('UPDATE tenants SET app_name = ? WHERE id = ?').run(name, app.userId);
      db.prepare('UPDATE user_apps SET app_name = ? WHERE id = ?').run(name, app.id);
      return name;
    });
  }

  /** The end of provisioning: status, database id and event together. False where the row's status was changed meanwhile. */
  activate(app: UserApp, databaseId: string, at: number): boolean {
    return atomically(this.dataSource, (db) => {
      const { changes } = db
        .prepare(
          `UPDATE user_apps SET status = 'active', status_since = ?, attempts = 0, last_error = NULL,
             missing_since = NULL, missing_looks = 0
           WHERE id = ? AND status = 'provisioning'`,
        )
        .run(at, app.id);
      if (changes === 0) return false;
      const named = db
        .prepare('UPDATE tenants SET database_id = ? WHERE id = ? AND (database_id IS NULL OR database_id = ?)')
        .run(databaseId, app.userId, databaseId);
      if (named.changes === 0) throw new Error(`Tenant ${app.userId} has another database than ${databaseId}.`);
      db.prepare("INSERT INTO events (tenant_id, region, at, kind, detail) VALUES (?, ?, ?, 'active', ?)").run(
        app.userId,
        app.region,
        at,
        JSON.stringify({ ms: at - app.statusSince }),
      );
      return true;
    });
  }

  /** Status, reason and event together. False where the row's status was changed meanwhile. */
  fail(app: UserApp, error: LastError): boolean {
    return atomically(this.dataSource, (db) => {
      const { changes } = db
        .prepare(
          `UPDATE user_apps SET status = 'failed', status_since = ?, last_error = ?, awake_since = NULL
           WHERE id = ? AND status = 'provisioning'`,
        )
        .run(error.at, JSON.stringify(error), app.id);
      if (changes === 0) return false;
      db.prepare("INSERT INTO events (tenant_id, region, at, kind, detail) VALUES (?, ?, ?, 'failed', ?)").run(
        app.userId,
        app.region,
        error.at,
        JSON.stringify({ code: error.code, detail: error.detail }),
      );
      return true;
    });
  }

  /** The account's end: app and user go together; the tenant stays as its own tombstone. */
  forget(app: UserApp, at: number): void {
    atomically(this.dataSource, (db) => {
      db.prepare('DELETE FROM user_apps WHERE id = ?').run(app.id);
      const left = db.prepare('SELECT 1 FROM user_apps WHERE user_id = ?').get(app.userId);
      if (left !== undefined) return;
      db.prepare('DELETE FROM users WHERE id = ?').run(app.userId);
      db.prepare("INSERT INTO events (tenant_id, region, at, kind) VALUES (?, ?, ?, 'deleted')").run(
        app.userId,
        app.region,
        at,
      );
    });
  }
}
