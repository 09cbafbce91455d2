import Database from 'better-sqlite3';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DATABASE_FILE, TenantDatabase, type Volume } from './tenant-database';
import { VolumeError } from './volume-error';

describe('the database of a volume', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'tenant-database-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  function open(tenantId: string, directory = dataDir, litefs: Volume['litefs'] = null): TenantDatabase {
    return TenantDatabase.open({ dataDir: directory, tenantId, litefs });
  }

  function change(sql: string): void {
    const db = new Database(join(dataDir, DATABASE_FILE));
    db.exec(sql);
    db.close();
  }

  it('has an id of its own, made with the file and kept over restarts', () => {
    const first = open('user-1');
    first.close();
    const again = open('user-1');
    expect(again.databaseId).toBe(first.databaseId);
    again.close();
    rmSync(join(dataDir, DATABASE_FILE));
    const other = open('user-1');
    expect(other.databaseId).not.toBe(first.databaseId);
    other.close();
  });

  it('keeps what was acknowledged: full synchronisation and a write-ahead log', () => {
    const database = open('user-1');
    expect(database.sqlite.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(database.sqlite.pragma('synchronous', { simple: true })).toBe(2);
    database.close();
  });

  it('is served by one at a time, and free again when that one closed it', () => {
    const first = open('user-1');
    expect(() => open('user-1')).toThrow(/in use by another process/);
    first.close();
    first.close();
    open('user-1').close();
  });

  it('says in a sentence that a directory is none', () => {
    change('SELECT 1');
    expect(() => open('user-1', join(dataDir, DATABASE_FILE))).toThrow(/^The volume .* cannot be used: /);
  });

  it('bears a mark of its kind, made with it, and is not opened as another kind', () => {
    open('user-1').close();
    expect(readFileSync(join(dataDir, 'volume.kind'), 'utf8')).toBe('plain\n');
    const before = readdirSync(dataDir);
    const mount = join(dataDir, 'mount');
    expect(() => open('user-1', dataDir, { dir: mount, role: 'primary' })).toThrow(
      /is of the kind "plain", and this machine is configured for "litefs"/,
    );
    expect(readdirSync(dataDir)).toEqual(before);
    writeFileSync(join(dataDir, 'volume.kind'), 'litefs\n');
    expect(() => open('user-1')).toThrow(/is of the kind "litefs", and this machine is configured for "plain"/);
    writeFileSync(join(dataDir, 'volume.kind'), '');
    expect(() => open('user-1')).toThrow(/is of the kind ""/);
  });

  it('of before there were marks is plain', () => {
    open('user-1').close();
    rmSync(join(dataDir, 'volume.kind'));
    open('user-1').close();
    expect(readFileSync(join(dataDir, 'volume.kind'), 'utf8')).toBe('plain\n');
  });

  it('never falls back to a directory where LiteFS is not mounted', () => {
    const mount = join(dataDir, 'mount');
    const start = () => open('user-1', dataDir, { dir: mount, role: 'primary' });
    expect(start).toThrow(/has no mark/); // nobody has made it LiteFS's
    writeFileSync(join(dataDir, 'volume.kind'), 'litefs\n');
    expect(start).toThrow(/LITEFS_DIR .* cannot be used/);
    mkdirSync(mount);
    expect(start).toThrow(/is no LiteFS mount/);
    expect(readdirSync(mount)).toEqual([]);
  });

  it('is refused to another tenant and left as it is', () => {
    const mine = open('user-1');
    mine.close();
    change('PRAGMA user_version = 0'); // as if a migration were due
    expect(() => open('user-2')).toThrow(/belongs to the tenant user-1/);
    change('UPDATE meta SET value = value');
    const db = new Database(join(dataDir, DATABASE_FILE));
    expect(db.pragma('user_version', { simple: true })).toBe(0);
    db.close();
  });

  it('is refused when newer code wrote it, and the lock is given back', () => {
    const written = open('user-1');
    written.close();
    change('PRAGMA user_version = 99');
    expect(() => open('user-1')).toThrow(VolumeError);
    change(`PRAGMA user_version = ${written.schemaVersion}`);
    open('user-1').close();
  });
});
