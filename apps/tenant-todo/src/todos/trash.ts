import type { Logger } from '@app/common/logging/logger';
import type { Clock } from '@app/common/time/clock';
import { Inject, Injectable } from '@nestjs/common';
import type { Statement } from 'better-sqlite3';
import { TenantDatabase } from '../database/tenant-database';
import { CLOCK, LOGGER } from '../tokens';

/** How long a deleted to-do can be had back. */
export const RESTORABLE_MS = 10 * 60_000;

/** Long enough after a start that the request which woke the machine goes first. */
const FIRST_SWEEP_MS = 1_000;
const SWEEP_EVERY_MS = 60_000;
/** To-dos removed in one go; each may have a picture of 5 MB, and requests wait meanwhile. */
const BATCH = 10;

/** What was deleted and can still be restored. It is kept in its row, with its place and its picture, and is removed for good later. */
@Injectable()
export class Trash {
  private readonly hide: Statement<[number, string]>;
  private readonly show: Statement<[string, number]>;
  private readonly selectExpired: Statement<[number], 1>;
  private readonly removeExpired: Statement<[number, number]>;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: TenantDatabase,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    const { sqlite } = database;
    this.hide = sqlite.prepare('UPDATE todos SET deleted_at = ? WHERE id = ?');
    this.show = sqlite.prepare('UPDATE todos SET deleted_at = NULL WHERE id = ? AND deleted_at > ?');
    this.selectExpired = sqlite.prepare<[number], 1>('SELECT 1 FROM todos WHERE deleted_at <= ? LIMIT 1').pluck();
    this.removeExpired = sqlite.prepare(
      'DELETE FROM todos WHERE seq IN (SELECT seq FROM todos WHERE deleted_at <= ? LIMIT ?)',
    );
  }

  put(id: string): void {
    this.hide.run(this.clock.now(), id);
  }

  /** False where there is nothing of that id to be had back. */
  takeBack(id: string): boolean {
    return this.show.run(id, this.clock.now() - RESTORABLE_MS).changes > 0;
  }

  /** Removes for good what can not be had back any more, now and then until `stop`. What expired in a machine that slept goes soon after its start. */
  start(): void {
    if (this.database.isReadOnly) return; // the primary does it
    this.schedule(FIRST_SWEEP_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private schedule(ms: number): void {
    this.timer = setTimeout(() => this.sweep(), ms).unref();
  }

  /** What cannot be removed now, on a full or broken disk, is tried again later: it is out of sight in any case. */
  private sweep(): void {
    if (!this.database.sqlite.open) return;
    let hasMore = false;
    try {
      hasMore = this.removeSome();
    } catch (error) {
      this.log.warn({ error }, 'trash.not_removed');
    }
    this.schedule(hasMore ? 0 : SWEEP_EVERY_MS);
  }

  private removeSome(): boolean {
    const deletedUntil = this.clock.now() - RESTORABLE_MS;
    if (this.selectExpired.get(deletedUntil) === undefined) return false; // nothing is written where there is nothing to do
    return this.removeExpired.run(deletedUntil, BATCH).changes === BATCH;
  }
}
