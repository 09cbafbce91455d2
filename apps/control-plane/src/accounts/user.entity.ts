import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Somebody who can sign in. Removed when the account is deleted; what is left is the tenant's tombstone. */
@Entity('users')
export class User {
  @PrimaryColumn('text') id!: string;

  /** As it is compared: trimmed, NFKC, lower case. */
  @Column('text', { unique: true }) email!: string;

  /** argon2's own string, with the parameters in it. */
  @Column('text', { name: 'password_hash' }) passwordHash!: string;

  /** Epoch milliseconds. */
  @Column('integer', { name: 'created_at' }) createdAt!: number;
}
