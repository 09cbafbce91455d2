import Database from 'better-sqlite3';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DATABASE_FILE, TenantDatabase, VolumeError } from './tenant-database';

describe('the database of a volume', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'tenant-database-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  function change(sql: string): void {
    const db = new Database(join(dataDir, DATABASE_FILE));
    db.exec(sql);
    db.close();
  }

  it('has an id of its own, made with the file and kept over restarts', () => {
    const first = TenantDatabase.open(dataDir, 'user-1');
    first.close();
    const again = TenantDatabase.open(dataDir, 'user-1');
    expect(again.databaseId).toBe(first.databaseId);
    again.close();
    rmSync(join(dataDir, DATABASE_FILE));
    const other = TenantDatabase.open(dataDir, 'user-1');
    expect(other.databaseId).not.toBe(first.databaseId);
    other.close();
  });

  it('keeps what was acknowledged: full synchronisation and a write-ahead log', () => {
    const database = TenantDatabase.open(dataDir, 'user-1');
    expect(database.sqlite.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(database.sqlite.pragma('synchronous', { simple: true })).toBe(2);
    database.close();
  });

  it('is served by one at a time, and free again when that one closed it', () => {
    const first = TenantDatabase.open(dataDir, 'user-1');
    expect(() => TenantDatabase.open(dataDir, 'user-1')).toThrow(/in use by another process/);
    first.close();
    first.close();
    TenantDatabase.open(dataDir, 'user-1').close();
  });

  it('says in a sentence that a directory is none', () => {
    change('SELECT 1');
    expect(() => TenantDatabase.open(join(dataDir, DATABASE_FILE), 'user-1')).toThrow(
      /^The volume .* cannot be used: /,
    );
  });

  it('is refused to another tenant and left as it is', () => {
    const mine = TenantDatabase.open(dataDir, 'user-1');
    mine.close();
    change('PRAGMA user_version = 0'); // as if a migration were due
    expect(() => TenantDatabase.open(dataDir, 'user-2')).toThrow(/belongs to the tenant user-1/);
    change('UPDATE meta SET value = value');
    const db = new Database(join(dataDir, DATABASE_FILE));
    expect(db.pragma('user_version', { simple: true })).toBe(0);
    db.close();
  });

  it('is refused when newer code wrote it, and the lock is given back', () => {
    const written = TenantDatabase.open(dataDir, 'user-1');
    written.close();
    change('PRAGMA user_version = 99');
    expect(() => TenantDatabase.open(dataDir, 'user-1')).toThrow(VolumeError);
    change(`PRAGMA user_version = ${written.schemaVersion}`);
    TenantDatabase.open(dataDir, 'user-1').close();
  });
});
