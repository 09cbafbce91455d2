import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Apps of before had no replicas, and plain volumes. */
export class RolesAndEpochs1790000000020 implements MigrationInterface {
  name = 'RolesAndEpochs1790000000020';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX user_apps_primary');
    await queryRunner.query('DROP INDEX user_apps_replicas');
    for (const column of ['volume_kind', 'epoch', 'role']) {
      await queryRunner.query(`ALTER TABLE user_apps DROP COLUMN ${column}`);
    }
  }
}

const STATEMENTS = [
  "ALTER TABLE user_apps ADD COLUMN role text NOT NULL DEFAULT 'primary' CHECK (role IN ('primary', 'replica'))",
  'ALTER TABLE user_apps ADD COLUMN epoch integer NOT NULL DEFAULT 1 CHECK (epoch >= 1)',
  "ALTER TABLE user_apps ADD COLUMN volume_kind text NOT NULL DEFAULT 'plain' CHECK (volume_kind IN ('plain', 'litefs'))",
  // Two primaries of one tenant cannot be written down.
  "CREATE UNIQUE INDEX user_apps_primary ON user_apps (user_id) WHERE role = 'primary'",
  // Looked over whenever something has become due; few among many.
  "CREATE INDEX user_apps_replicas ON user_apps (status, awake_since) WHERE role = 'replica'",
];
