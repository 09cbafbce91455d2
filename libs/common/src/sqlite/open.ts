import Database, { type Database as SqliteDatabase } from 'better-sqlite3';

export type { SqliteDatabase };

export interface SqliteOptions {
  /** `wal` on a plain directory; `delete` on LiteFS, which loses writes in WAL mode. */
  journalMode?: 'wal' | 'delete';
  /** `FULL`: an acknowledged write survives a power cut. `NORMAL`: it survives a killed process. */
  synchronous?: 'FULL' | 'NORMAL';
  /** How long a statement waits for another process's lock; the process does nothing else meanwhile. */
  busyTimeoutMs?: number;
}

/** Opens (and creates) a database file with the settings that everything here relies on. */
export function openSqlite(file: string, options: SqliteOptions = {}): SqliteDatabase {
  const db = new Database(file);
  applyPragmas((pragma) => db.pragma(pragma), options);
  return db;
}

/** Opens a database file that somebody else writes: nothing can be changed through it, and it has to be there. */
export function openReadOnlySqlite(file: string, options: Pick<SqliteOptions, 'busyTimeoutMs'> = {}): SqliteDatabase {
  const db = new Database(file, { readonly: true, fileMustExist: true, timeout: options.busyTimeoutMs ?? 5000 });
  db.pragma('query_only = ON'); // a statement that would write fails as such, not as an I/O error
  return db;
}

/** The one place of our pragmas; also for handles that somebody else opened (TypeORM's). */
export function applyPragmas(run: (pragma: string) => unknown, options: SqliteOptions = {}): void {
  run(`journal_mode = ${options.journalMode ?? 'wal'}`);
  run(`synchronous = ${options.synchronous ?? 'FULL'}`);
  run('foreign_keys = ON'); // off by default in SQLite, per connection
  run(`busy_timeout = ${options.busyTimeoutMs ?? 5000}`); // a backup or an operator's shell may hold the file for a moment
}
