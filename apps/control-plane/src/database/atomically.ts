import type { SqliteDatabase } from '@app/common/sqlite/open';
import type { DataSource } from 'typeorm';

/**
 * Runs several statements as one transaction: all of them are kept, or, when `work` throws, none.
 *
 * TypeORM has one connection per SQLite file, so its own transactions share it and one's rollback takes another's acknowledged
 * writes along. `work` is synchronous and better-sqlite3 is too: nothing can come in between. It gets the handle itself; use SQL, or
 * `queryBuilder.getQueryAndParameters()`. Throws when `work` returns a promise.
 */
export function atomically<T>(dataSource: DataSource, work: (db: SqliteDatabase) => T): T {
  return handleOf(dataSource).transaction(work).immediate(handleOf(dataSource));
}

/** TypeORM's own better-sqlite3 handle. */
export function handleOf(dataSource: DataSource): SqliteDatabase {
  const driver = dataSource.driver as unknown as { databaseConnection: SqliteDatabase }; // BetterSqlite3Driver's public field, typed any
  return driver.databaseConnection;
}

/** Makes `save`, `remove` and `DataSource.transaction` fail by themselves, after the migrations, which still need them. */
export function forbidTypeormTransactions(dataSource: DataSource): void {
  const createQueryRunner = dataSource.createQueryRunner.bind(dataSource);
  dataSource.createQueryRunner = (mode) => {
    const queryRunner = createQueryRunner(mode);
    queryRunner.startTransaction = () =>
      Promise.reject(
        new Error('TypeORM transactions share one connection here: use insert, update, delete or atomically().'),
      );
    return queryRunner;
  };
}
