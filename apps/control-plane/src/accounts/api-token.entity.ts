import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** One API token. The token itself is only with who made it. Times in epoch milliseconds. */
@Entity('api_tokens')
@Index(['userId'])
@Index(['expiresAt'])
export class ApiToken {
  /** Its public name; worth nothing as a token. */
  @PrimaryColumn('text') id!: string;

  /** HMAC of the token, hex. */
  @Column('text', { name: 'token_hash', unique: true }) tokenHash!: string;

  @Column('text', { name: 'user_id' }) userId!: string;

  /** What its owner calls it. */
  @Column('text') name!: string;

  /** Scopes with a space between, as in OAuth. */
  @Column('text') scope!: string;

  @Column('integer', { name: 'created_at' }) createdAt!: number;

  /** Written at most once a minute. */
  @Column('integer', { name: 'last_used_at', nullable: true }) lastUsedAt!: number | null;

  @Column('integer', { name: 'expires_at' }) expiresAt!: number;
}
