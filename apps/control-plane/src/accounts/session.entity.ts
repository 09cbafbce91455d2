import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** One signed-in browser or client. The id itself is only in its cookie. Times in epoch milliseconds. */
@Entity('sessions')
@Index(['userId'])
@Index(['expiresAt'])
export class Session {
  /** HMAC of the id in the cookie, hex. */
  @PrimaryColumn('text', { name: 'id_hash' }) idHash!: string;

  @Column('text', { name: 'user_id' }) userId!: string;

  @Column('integer', { name: 'created_at' }) createdAt!: number;

  /** Written at most once a minute. */
  @Column('integer', { name: 'last_seen_at' }) lastSeenAt!: number;

  /** The earlier of the idle and the absolute end. */
  @Column('integer', { name: 'expires_at' }) expiresAt!: number;

  @Column('text', { name: 'user_agent', nullable: true }) userAgent!: string | null;

  @Column('text', { nullable: true }) address!: string | null;
}
