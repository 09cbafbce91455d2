import type { SqliteDatabase } from './open';

export interface SqliteMigration {
  /** 1, 2, 3 …: the position in the list, kept in `user_version`. */
  version: number;
  name: string;
  sql: string;
}

/** The file was written by newer code than this; opening it could destroy what that code relies on. */
export class SchemaTooNewError extends Error {
  override readonly name = 'SchemaTooNewError';
}

/**
 * Brings the file to the last version, one transaction a migration, and gives that version. Repeatable; a process killed in
 * between leaves the version before. Throws `SchemaTooNewError` when the file is ahead of the list.
 */
export function migrate(db: SqliteDatabase, migrations: readonly SqliteMigration[]): number {
  const latest = migrations.at(-1)?.version ?? 0;
  const current = schemaVersion(db);
  if (current > latest) {
    throw new SchemaTooNewError(
      `The database is at schema version ${current}, this program knows up to ${latest}. Start the newer program that wrote it.`,
    );
  }
  for (const migration of migrations.filter(({ version }) => version > current)) {
    db.transaction(() => {
      db.exec(migration.sql);
      db.pragma(`user_version = ${migration.version}`);
    }).immediate();
  }
  return latest;
}

export function schemaVersion(db: SqliteDatabase): number {
  return db.pragma('user_version', { simple: true }) as number; // SQLite's own integer
}
