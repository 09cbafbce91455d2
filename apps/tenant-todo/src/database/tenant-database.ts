import { tryLock, type FileLock } from '@app/common/sqlite/lock';
import { compareSchema, migrate, SchemaTooNewError } from '@app/common/sqlite/migrate';
import { openReadOnlySqlite, openSqlite, type SqliteDatabase } from '@app/common/sqlite/open';
import { tenantTodoMigrations } from '@migrations/tenant-todo';
import { randomUUID } from 'node:crypto';
import { mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '../access/tenure';
import { VolumeError } from './volume-error';
import { assertVolumeKind } from './volume-kind';

export const DATABASE_FILE = 'todos.sqlite';
export const LOCK_FILE = 'volume.lock';

/** What statfs says of every FUSE file system (linux/magic.h). */
const FUSE_SUPER_MAGIC = 0x65735546;
/** While it waits for a lock the process does nothing else, and LiteFS holds one for milliseconds. */
const LITEFS_BUSY_MS = 2000;

export interface Volume {
  dataDir: string;
  tenantId: string;
  /** Null: the database is in `dataDir` itself. */
  litefs: { dir: string; role: Role } | null;
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

  /**
   * Throws `VolumeError` for a volume that cannot be written, one in use, one of the other kind (plain or LiteFS), one of another
   * tenant, or one that newer code has written; and for a replica that has no database yet.
   */
  static open(volume: Volume): TenantDatabase {
    const { dataDir } = volume;
    const lock = takeLock(dataDir);
    if (!lock) {
      throw new VolumeError(
        `The volume ${dataDir} is in use by another process. Stop that one first; only one may serve it.`,
      );
    }
    let sqlite: SqliteDatabase | undefined;
    try {
      assertVolumeKind(dataDir, volume.litefs ? 'litefs' : 'plain');
      sqlite = openFile(volume);
      assertOwner(sqlite, volume); // before migrating: another tenant's file is left as it is
      const { databaseId, version } =
        volume.litefs?.role === 'replica' ? asIs(sqlite, volume) : upToDate(sqlite, volume);
      return new TenantDatabase(sqlite, databaseId, version, lock);
    } catch (error) {
      sqlite?.close();
      lock.release();
      if (error instanceof SchemaTooNewError) throw new VolumeError(`The volume ${dataDir}: ${error.message}`);
      throw error;
    }
  }

  /** A replica's: who writes is the primary. */
  get isReadOnly(): boolean {
    return this.sqlite.readonly;
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

function openFile({ dataDir, litefs }: Volume): SqliteDatabase {
  if (!litefs) {
    const sqlite = openSqlite(join(dataDir, DATABASE_FILE), { journalMode: 'wal', synchronous: 'FULL' });
    sqlite.pragma('journal_size_limit = 16777216'); // a burst of pictures leaves no large WAL file behind
    return sqlite;
  }
  assertMounted(litefs.dir);
  const file = join(litefs.dir, DATABASE_FILE);
  if (litefs.role === 'primary') {
    return openSqlite(file, { journalMode: 'delete', synchronous: 'FULL', busyTimeoutMs: LITEFS_BUSY_MS });
  }
  try {
    return openReadOnlySqlite(file, { busyTimeoutMs: LITEFS_BUSY_MS });
  } catch (cause) {
    throw new VolumeError(`The replica has no database yet (${(cause as Error).message}). Start the primary first.`, {
      cause,
    });
  }
}

/** An empty directory where LiteFS should be would take writes that nobody ever sees again. */
function assertMounted(dir: string): void {
  try {
    if (statfsSync(dir).type === FUSE_SUPER_MAGIC) return;
  } catch (cause) {
    throw new VolumeError(`LITEFS_DIR (${dir}) cannot be used: ${(cause as Error).message}`, { cause });
  }
  throw new VolumeError(
    `LITEFS_DIR (${dir}) is no LiteFS mount. Nothing was opened; start the app through litefs mount.`,
  );
}

/** A replica's file, which the primary alone migrates. */
function asIs(sqlite: SqliteDatabase, { dataDir }: Volume): { databaseId: string; version: number } {
  const { current, latest } = compareSchema(sqlite, tenantTodoMigrations);
  const databaseId = current === latest ? readMeta(sqlite, 'database_id') : undefined;
  if (databaseId !== undefined) return { databaseId, version: current };
  throw new VolumeError(
    `The replica ${dataDir} is at schema version ${current}, this program needs ${latest}. Start the primary with this program first.`,
  );
}

function upToDate(sqlite: SqliteDatabase, { tenantId }: Volume): { databaseId: string; version: number } {
  const version = migrate(sqlite, tenantTodoMigrations);
  return { databaseId: identify(sqlite, tenantId), version };
}

function assertOwner(sqlite: SqliteDatabase, { dataDir, tenantId }: Volume): void {
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
