import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tryLock, waitForLock } from './lock';
import { migrate, schemaVersion, SchemaTooNewError } from './migrate';
import { openSqlite } from './open';

const directory = () => mkdtempSync(join(tmpdir(), 'sqlite-'));

describe('migrate', () => {
  const first = { version: 1, name: 'first', sql: 'CREATE TABLE a (id INTEGER)' };

  it('applies what is missing, once', () => {
    const db = openSqlite(join(directory(), 'db.sqlite'));
    expect(migrate(db, [first])).toBe(1);
    expect(migrate(db, [first, { version: 2, name: 'second', sql: 'CREATE TABLE b (id INTEGER)' }])).toBe(2);
    expect(db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all()).toEqual(['a', 'b']);
    db.close();
  });

  it('leaves the version before when a migration fails', () => {
    const db = openSqlite(join(directory(), 'db.sqlite'));
    const broken = { version: 2, name: 'broken', sql: 'CREATE TABLE b (id INTEGER); SELECT 1 FROM nowhere' };
    expect(() => migrate(db, [first, broken])).toThrow('no such table');
    expect(schemaVersion(db)).toBe(1);
    expect(db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all()).toEqual(['a']);
    db.close();
  });

  it('refuses a file that newer code wrote', () => {
    const db = openSqlite(join(directory(), 'db.sqlite'));
    db.pragma('user_version = 9');
    expect(() => migrate(db, [first])).toThrow(SchemaTooNewError);
    db.close();
  });
});

describe('the file lock', () => {
  it('is one process at a time, and free at once after kill -9', async () => {
    const file = join(directory(), 'x.lock');
    const holder = spawn(process.execPath, [
      '-e',
      `const db = new (require('better-sqlite3'))(${JSON.stringify(file)}); db.pragma('locking_mode = EXCLUSIVE'); db.exec('BEGIN EXCLUSIVE'); console.log('held'); setInterval(() => {}, 1000)`,
    ]);
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    expect(tryLock(file)).toBeNull();

    let waits = 0;
    const waiting = waitForLock(file, { onWait: () => (waits += 1), pollMs: 10 });
    holder.kill('SIGKILL');
    const lock = await waiting;
    expect(waits).toBe(1);
    expect(tryLock(file)).toBeNull();
    lock.release();
    tryLock(file)?.release();
  });

  it('stops waiting when told to', async () => {
    const file = join(directory(), 'x.lock');
    const lock = tryLock(file);
    await expect(waitForLock(file, { signal: AbortSignal.timeout(30), pollMs: 10 })).rejects.toThrow();
    lock?.release();
  });
});
