import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { controlPlaneMigrations } from '@migrations/control-plane';
import { RolesAndEpochs1790000000020 } from '@migrations/control-plane/1790000000020-roles-and-epochs';
import { DataSource, type EntityMetadata } from 'typeorm';
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

describe('roles and epochs', () => {
  it('come to the apps of before as: primary, epoch 1, a plain volume; and a tenant has one primary', async () => {
    const db = new DataSource({
      type: 'better-sqlite3',
      database: ':memory:',
      migrations: controlPlaneMigrations.slice(0, 1),
    });
    await db.initialize();
    await db.runMigrations();
    const insert = (id: string, region: string) =>
      db.query(
        "INSERT INTO user_apps (id, user_id, app_name, region, status, status_since) VALUES (?, 't', 'app', ?, 'active', 1)",
        [id, region],
      );
    await db.query("INSERT INTO tenants (id, app_name, created_at) VALUES ('t', 'app', 1)");
    await insert('a', 'fra');
    const queryRunner = db.createQueryRunner();
    await new RolesAndEpochs1790000000020().up(queryRunner);
    expect(await db.query('SELECT role, epoch, volume_kind FROM user_apps')).toEqual([
      { role: 'primary', epoch: 1, volume_kind: 'plain' },
    ]);
    await expect(insert('b', 'syd')).rejects.toThrow(/UNIQUE/);
    await db.query("UPDATE user_apps SET role = 'replica'");
    await insert('b', 'syd');
    await db.destroy();
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
