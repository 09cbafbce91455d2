import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The books that Minifly does not keep: an app's volumes and machines. Empty on the other platforms. */
export class MiniflyApps1790000100000 implements MigrationInterface {
  name = 'MiniflyApps1790000100000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `CREATE TABLE minifly_apps (
        app_name text PRIMARY KEY NOT NULL,
        tenant_id text NOT NULL,
        volumes text NOT NULL,
        machines text NOT NULL
      )`,
    );
  }

  /** There is no way back: without these rows nothing names the volumes that tenants' data is on. */
  down(): Promise<void> {
    return Promise.reject(new Error('This migration cannot be undone; restore a backup of the database file.'));
  }
}
