import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateTables1790000000000 implements MigrationInterface {
  name = 'CreateTables1790000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  /** There is no way back: going down would drop every account. Restore a backup instead. */
  down(): Promise<void> {
    return Promise.reject(new Error('This migration cannot be undone; restore a backup of the database file.'));
  }
}

const STATEMENTS = [
  `CREATE TABLE users (
    id text PRIMARY KEY NOT NULL,
    email text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    created_at integer NOT NULL
  )`,
  `CREATE TABLE sessions (
    id_hash text PRIMARY KEY NOT NULL,
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at integer NOT NULL,
    last_seen_at integer NOT NULL,
    expires_at integer NOT NULL,
    user_agent text,
    address text
  )`,
  'CREATE INDEX sessions_user_id ON sessions (user_id)',
  'CREATE INDEX sessions_expires_at ON sessions (expires_at)',
  // Without a reference to users: the tenant outlives its user as a tombstone.
  `CREATE TABLE tenants (
    id text PRIMARY KEY NOT NULL,
    app_name text NOT NULL UNIQUE,
    database_id text,
    direct_until integer,
    created_at integer NOT NULL,
    deleted_at integer
  )`,
  `CREATE TABLE user_apps (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL REFERENCES tenants (id),
    app_name text NOT NULL,
    region text NOT NULL,
    machine_id text,
    volume_id text,
    status text NOT NULL CHECK (status IN ('provisioning', 'active', 'failed', 'deleting')),
    status_since integer NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at integer NOT NULL DEFAULT 0,
    awake_since integer,
    missing_since integer,
    missing_looks integer NOT NULL DEFAULT 0,
    last_error text,
    UNIQUE (user_id, region)
  )`,
  // What is due and what is awake are looked up each minute; both are few among many.
  `CREATE INDEX user_apps_due ON user_apps (next_attempt_at) WHERE status IN ('provisioning', 'deleting')`,
  'CREATE INDEX user_apps_awake ON user_apps (awake_since) WHERE awake_since IS NOT NULL',
  `CREATE TABLE events (
    id integer PRIMARY KEY AUTOINCREMENT NOT NULL,
    tenant_id text NOT NULL,
    region text,
    at integer NOT NULL,
    kind text NOT NULL,
    step text,
    detail text
  )`,
  'CREATE INDEX events_tenant_id ON events (tenant_id, id)',
];
