import { controlPlaneMigrations } from '@migrations/control-plane';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource, EntityMetadata } from 'typeorm';
import { openDatabase } from './open-database';

describe('openDatabase', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'open-database-')), 'control-plane.sqlite');
  let dataSource: DataSource;
  beforeAll(async () => (dataSource = await openDatabase(file)));
  afterAll(() => dataSource.destroy());

  it('migrates an empty file to exactly what the entities say', async () => {
    const tables = await dataSource.query<{ name: string }[]>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migrations'",
    );
    expect(tables.map(({ name }) => name).sort()).toEqual(
      dataSource.entityMetadatas.map(({ tableName }) => tableName).sort(),
    );
    for (const entity of dataSource.entityMetadatas) {
      expect([entity.tableName, await columnsOfTable(dataSource, entity.tableName)]).toEqual([
        entity.tableName,
        columnsOfEntity(entity),
      ]);
      const indexes = await indexesOfTable(dataSource, entity.tableName);
      expect(indexes).toEqual(expect.arrayContaining(indexesOfEntity(entity)));
    }
  });

  it('opens the same file again without changing it, with the settings that everything relies on', async () => {
    const again = await openDatabase(file);
    expect(await again.query('SELECT count(*) AS n FROM migrations')).toEqual([{ n: controlPlaneMigrations.length }]);
    expect(await again.query('PRAGMA foreign_keys')).toEqual([{ foreign_keys: 1 }]);
    expect(await again.query('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
    expect(await again.query('PRAGMA synchronous')).toEqual([{ synchronous: 2 }]);
    await again.destroy();
  });
});

const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);

async function columnsOfTable(dataSource: DataSource, table: string) {
  const rows = await dataSource.query<{ name: string; type: string; notnull: number; pk: number }[]>(
    `PRAGMA table_info(${table})`,
  );
  return rows
    .map(({ name, type, notnull, pk }) => ({
      name,
      type: type.toLowerCase(),
      isNullable: notnull === 0,
      isPrimary: pk > 0,
    }))
    .sort(byName);
}

function columnsOfEntity(entity: EntityMetadata) {
  return entity.columns
    .map((column) => ({
      name: column.databaseName,
      type: column.type === 'simple-json' ? 'text' : String(column.type === Number ? 'integer' : column.type),
      isNullable: column.isNullable,
      isPrimary: column.isPrimary,
    }))
    .sort(byName);
}

async function indexesOfTable(dataSource: DataSource, table: string) {
  const indexes = await dataSource.query<{ name: string; unique: number }[]>(`PRAGMA index_list(${table})`);
  return Promise.all(
    indexes.map(async ({ name, unique }) => {
      const columns = await dataSource.query<{ name: string }[]>(`PRAGMA index_info(${name})`);
      return { isUnique: unique === 1, columns: columns.map((column) => column.name) };
    }),
  );
}

function indexesOfEntity(entity: EntityMetadata) {
  const ofColumns = (isUnique: boolean) => (index: { columns: { databaseName: string }[] }) => ({
    isUnique,
    columns: index.columns.map(({ databaseName }) => databaseName),
  });
  return [...entity.uniques.map(ofColumns(true)), ...entity.indices.map((index) => ofColumns(index.isUnique)(index))];
}
