import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateApiTokens1790000000010 implements MigrationInterface {
  name = 'CreateApiTokens1790000000010';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE api_tokens');
  }
}

const STATEMENTS = [
  `CREATE TABLE api_tokens (
    id text PRIMARY KEY NOT NULL,
    token_hash text NOT NULL UNIQUE,
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    scope text NOT NULL,
    created_at integer NOT NULL,
    last_used_at integer,
    expires_at integer NOT NULL
  )`,
  'CREATE INDEX api_tokens_user_id ON api_tokens (user_id)',
  'CREATE INDEX api_tokens_expires_at ON api_tokens (expires_at)',
];
