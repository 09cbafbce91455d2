import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { config, fail } from './config.mjs';

const SCHEMA_VERSION = 1;

/** Takes the volume for this process and this tenant, opens its database, and makes what a new volume lacks. Ends the program where that may not be. */
export function openVolume() {
  mkdirSync(config.dataDir, { recursive: true });
  const lock = takeLock(join(config.dataDir, 'volume.lock'));
  checkKind(join(config.dataDir, 'volume.kind'));
  const db = new DatabaseSync(join(config.dataDir, 'guest-book.sqlite'));
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;'); // acknowledged is stored, after a power cut too
  migrate(db);
  const meta = Object.fromEntries(
    db
      .prepare('SELECT key, value FROM meta')
      .all()
      .map(({ key, value }) => [key, value]),
  );
  if (meta.tenantId !== config.tenantId) fail(`This volume is another tenant's: ${meta.tenantId}.`);
  const close = () => {
    db.close();
    lock.close(); // last
  };
  return { db, databaseId: meta.databaseId, schemaVersion: SCHEMA_VERSION, close };
}

/** A lock that the kernel frees when the process dies, however it dies. */
function takeLock(file) {
  const lock = new DatabaseSync(file);
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch {
    fail('Another process has this volume.');
  }
  return lock;
}

function checkKind(file) {
  if (!existsSync(file)) writeFileSync(file, 'plain');
  const kind = readFileSync(file, 'utf8').trim();
  if (kind !== 'plain') fail(`This volume is for ${kind}, and this image needs a plain one.`);
}

/** The database and its id are made in one transaction: there is never one without the other. */
function migrate(db) {
  const { user_version: version } = db.prepare('PRAGMA user_version').get();
  if (version > SCHEMA_VERSION) fail(`The database has schema ${version}; this program knows ${SCHEMA_VERSION}.`);
  if (version === SCHEMA_VERSION) return;
  db.exec(`BEGIN IMMEDIATE;
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE entries (id INTEGER PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL, at TEXT NOT NULL) STRICT;`);
  const insert = db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
  insert.run('tenantId', config.tenantId);
  insert.run('databaseId', randomUUID());
  db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`);
}
