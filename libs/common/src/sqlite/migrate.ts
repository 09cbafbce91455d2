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
  const { current, latest } = compareSchema(db, migrations);
  for (const migration of migrations.filter(({ version }) => version > current)) {
    db.transaction(() => {
      db.exec(migration.sql);
      db.pragma(`user_version = ${migration.version}`);
    }).immediate();
  }
  return latest;
}

/** Where the file is and where it should be; changes nothing. Throws `SchemaTooNewError` when the file is ahead of the list. */
export function compareSchema(db: SqliteDatabase, migrations: readonly SqliteMigration[]) {
  const latest = migrations.at(-1)?.version ?? 0;
  const current = schemaVersion(db);
  if (current <= latest) return { current, latest };
  throw new SchemaTooNewError(
    `The database is at schema version ${current}, this program knows up to ${latest}. Start the newer program that wrote it.`,
  );
}

export function schemaVersion(db: SqliteDatabase): number {
  return db.pragma('user_version', { simple: true }) as number; // SQLite's own integer
}
