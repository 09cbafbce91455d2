import { tryLock, type FileLock } from '@app/common/sqlite/lock';
import { migrate, SchemaTooNewError } from '@app/common/sqlite/migrate';
import { openSqlite, type SqliteDatabase } from '@app/common/sqlite/open';
import { tenantTodoMigrations } from '@migrations/tenant-todo';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

export const DATABASE_FILE = 'todos.sqlite';
export const LOCK_FILE = 'volume.lock';

/** The volume must not be served; the message is a sentence for the operator. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}

/**
 * The tenant's one file, held alone: no second process opens the volume while this one lives, and the kernel frees it after
 * `kill -9`. `databaseId` was made with the file and never changes, so an empty file can not pass for a full one.
 */
export class TenantDatabase {
  private constructor(
    readonly sqlite: SqliteDatabase,
    readonly databaseId: string,
    readonly schemaVersion: number,
    private readonly lock: FileLock,
  ) {}

  /** Throws `VolumeError` for a volume that cannot be written, one in use, one of another tenant, or one that newer code has written. */
  static open(dataDir: string, tenantId: string): TenantDatabase {
    const lock = takeLock(dataDir);
    if (!lock) {
      throw new VolumeError(
        `The volume ${dataDir} is in use by another process. Stop that one first; only one may serve it.`,
      );
    }
    const sqlite = openSqlite(join(dataDir, DATABASE_FILE), { journalMode: 'wal', synchronous: 'FULL' });
    try {
      sqlite.pragma('journal_size_limit = 16777216'); // a burst of pictures leaves no large WAL file behind
      assertOwner(sqlite, dataDir, tenantId); // before migrating: another tenant's file is left as it is
      const schemaVersion = migrate(sqlite, tenantTodoMigrations);
      return new TenantDatabase(sqlite, identify(sqlite, tenantId), schemaVersion, lock);
    } catch (error) {
      sqlite.close();
      lock.release();
      if (error instanceof SchemaTooNewError) throw new VolumeError(`The volume ${dataDir}: ${error.message}`);
      throw error;
    }
  }

  /** Bytes that the content takes now, without the pages that deletions have freed. */
  usedBytes(): number {
    const pragma = (name: string) => this.sqlite.pragma(name, { simple: true }) as number; // SQLite's own integers
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  }

  /** Repeatable. The lock goes last: who takes it next finds a closed file. */
  close(): void {
    if (!this.sqlite.open) return;
    this.sqlite.close();
    this.lock.release();
  }
}

function takeLock(dataDir: string): FileLock | null {
  try {
    mkdirSync(dataDir, { recursive: true });
    return tryLock(join(dataDir, LOCK_FILE));
  } catch (cause) {
    throw new VolumeError(`The volume ${dataDir} cannot be used: ${(cause as Error).message}`, { cause });
  }
}

function assertOwner(sqlite: SqliteDatabase, dataDir: string, tenantId: string): void {
  if (!sqlite.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get()) return;
  const owner = readMeta(sqlite, 'tenant_id');
  if (owner === undefined || owner === tenantId) return;
  throw new VolumeError(
    `The volume ${dataDir} belongs to the tenant ${owner}, not to ${tenantId}. Nothing was changed on it; mount the right volume.`,
  );
}

function identify(sqlite: SqliteDatabase, tenantId: string): string {
  const known = readMeta(sqlite, 'database_id');
  if (known !== undefined) return known;
  const databaseId = randomUUID();
  const insert = sqlite.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
  sqlite
    .transaction(() => {
      insert.run('tenant_id', tenantId);
      insert.run('database_id', databaseId);
    })
    .immediate();
  return databaseId;
}

function readMeta(sqlite: SqliteDatabase, key: string): string | undefined {
  return sqlite.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck().get(key);
}
