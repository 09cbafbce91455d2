import type { Logger } from '@app/common/logging/logger';
import type { SqliteDatabase } from '@app/common/sqlite/open';
import type { Clock } from '@app/common/time/clock';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { randomBytes, randomUUID } from 'node:crypto';
import { DataSource, MoreThan } from 'typeorm';
import { CLOCK } from '../clock.token';
import { atomically, handleOf } from '../database/atomically';
import { ControlPlaneError } from '../error-codes';
import type { SignedIn } from '../front-door/request-context';
import { SCOPES, type Scope } from '../front-door/token-scopes';
import { LOGGER } from '../logger.token';
import { SECRETS } from '../secrets.token';
import { TenantsService } from '../tenants/tenants.service';
import { ApiToken } from './api-token.entity';
import { KeyedHashes } from './keyed-hashes';
import { SessionCache, type CachedSession } from './session-cache';

export const MAX_TOKENS = 50;
/** 160 random bits behind a beginning that secret scanners can be taught. */
const TOKEN_PATTERN = /^todo_pat_[0-9a-f]{40}$/;
const DAY_MS = 24 * 3_600_000;
const USED_EVERY_MS = 60_000;
const SWEEP_EVERY_MS = 5 * 60_000;
const SWEEP_BATCH = 200;

export interface NewApiToken {
  name: string;
  expiresInDays: number;
  scope: readonly Scope[];
}

export type ApiTokenEndedListener = (tokenHash: string) => void;

/** What scripts sign in with. As with sessions: the table is the truth, the front door's look-up comes from memory, all of it synchronous. */
@Injectable()
export class ApiTokensService implements OnModuleInit, OnModuleDestroy {
  private readonly hashes: KeyedHashes;
  private readonly cache: SessionCache<CachedSession>;
  private readonly listeners = new Set<ApiTokenEndedListener>();
  private sweepTimer?: NodeJS.Timeout;

  constructor(
    private readonly dataSource: DataSource,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(SECRETS) secrets: readonly [string, ...string[]],
    @Inject(LOGGER) private readonly log: Logger,
    private readonly tenants: TenantsService,
  ) {
    this.hashes = new KeyedHashes(secrets, 'api token hmac');
    this.cache = new SessionCache(clock);
  }

  onModuleInit(): void {
    this.sweepTimer = setInterval(() => this.sweep(), SWEEP_EVERY_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.sweepTimer);
  }

  /** Whose token this is and what it may do, or null when it is malformed, unknown, expired or revoked. */
  lookUp(token: string): SignedIn | null {
    const found = this.cache.get(token) ?? this.load(token);
    if (!found || found.expiresAt <= this.clock.now()) return null;
    this.touch(found);
    return found.signedIn;
  }

  /**
   * Makes a token; this is the only time that it is seen. A token makes only what is no more than itself: its scopes, no later end.
   * Throws `insufficient_scope`, `too_many_tokens`, `account_deleting`.
   */
  create(maker: SignedIn, input: NewApiToken): { token: string; row: ApiToken } {
    const token = `todo_pat_${randomBytes(20).toString('hex')}`;
    const now = this.clock.now();
    const row: ApiToken = {
      id: randomUUID(),
      tokenHash: this.hashes.of(token),
      userId: maker.userId,
      name: input.name,
      scope: SCOPES.filter((scope) => input.scope.includes(scope)).join(' '),
      createdAt: now,
      lastUsedAt: null,
      expiresAt: now + input.expiresInDays * DAY_MS,
    };
    refuseMoreThanMaker(maker, row);
    atomically(this.dataSource, (db) => this.insert(db, row));
    return { token, row };
  }

  /** Those that have not expired, the newest first. */
  list(userId: string): Promise<ApiToken[]> {
    return this.dataSource.getRepository(ApiToken).find({
      where: { userId, expiresAt: MoreThan(this.clock.now()) },
      order: { createdAt: 'DESC', id: 'ASC' },
    });
  }

  /** Ends one of the user's tokens at once, by its id. Throws `not_found`. */
  revoke(userId: string, id: string): void {
    const ended = deleteTokens(handleOf(this.dataSource), 'user_id = ? AND id = ?', userId, id);
    if (ended.length === 0) throw new ControlPlaneError('not_found', 'There is no such token; it may have expired.');
    this.tell(ended);
  }

  /** Ends all of a user's tokens inside the caller's transaction. What it gives is called once that is through. */
  revokeAllWithin(db: SqliteDatabase, userId: string): () => void {
    const ended = deleteTokens(db, 'user_id = ?', userId);
    return () => this.tell(ended);
  }

  /** Calls `listener` for each token that ends, by whatever way, until the returned function is called. */
  onEnded(listener: ApiTokenEndedListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Removes some expired tokens; the next time, the rest. */
  sweep(): void {
    try {
      const expired = 'id IN (SELECT id FROM api_tokens WHERE expires_at <= ? LIMIT ?)';
      this.tell(deleteTokens(handleOf(this.dataSource), expired, this.clock.now(), SWEEP_BATCH));
    } catch (error) {
      this.log.error({ error }, 'api_tokens.sweep_failed');
    }
  }

  private load(token: string): CachedSession | null {
    if (!TOKEN_PATTERN.test(token)) return null;
    const hashes = this.hashes.all(token);
    const row = handleOf(this.dataSource)
      .prepare(
        `SELECT t.id, t.token_hash AS tokenHash, t.user_id AS userId, t.scope, t.created_at AS createdAt,
                t.last_used_at AS lastUsedAt, t.expires_at AS expiresAt, u.email
         FROM api_tokens t JOIN users u ON u.id = t.user_id WHERE t.token_hash IN (${hashes.map(() => '?').join(', ')})`,
      )
      .get(...hashes) as (Omit<ApiToken, 'name'> & { email: string }) | undefined; // the columns named in the statement
    if (!row) return null;
    const { id, tokenHash, userId, email, expiresAt } = row;
    const apiToken = { id, scopes: new Set(row.scope.split(' ') as Scope[]), expiresAt };
    const signedIn = { sessionHash: tokenHash, userId, email, apiToken };
    return this.cache.set(token, { signedIn, lastSeenAt: row.lastUsedAt ?? row.createdAt - USED_EVERY_MS, expiresAt });
  }

  /** A write each minute at most: each request would cost a disk sync. */
  private touch(token: CachedSession): void {
    const now = this.clock.now();
    if (now - token.lastSeenAt < USED_EVERY_MS) return;
    token.lastSeenAt = now;
    handleOf(this.dataSource)
      .prepare('UPDATE api_tokens SET last_used_at = ? WHERE token_hash = ?')
      .run(now, token.signedIn.sessionHash);
  }

  private insert(db: SqliteDatabase, row: ApiToken): void {
    if (this.tenants.isDeletedWithin(db, row.userId))
      throw new ControlPlaneError('account_deleting', 'This account is being deleted.');
    const { n } = db
      .prepare('SELECT count(*) AS n FROM api_tokens WHERE user_id = ? AND expires_at > ?')
      .get(row.userId, row.createdAt) as { n: number };
    if (n >= MAX_TOKENS) {
      const message = `There may be ${MAX_TOKENS} tokens at most. Revoke one that is not needed any more.`;
      throw new ControlPlaneError('too_many_tokens', message);
    }
    db.prepare(
      `INSERT INTO api_tokens (id, token_hash, user_id, name, scope, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ).run(row.id, row.tokenHash, row.userId, row.name, row.scope, row.createdAt, row.expiresAt);
  }

  /** After the rows are gone for good. */
  private tell(ended: readonly string[]): void {
    for (const tokenHash of ended) this.cache.forget(tokenHash);
    for (const tokenHash of ended) for (const listener of this.listeners) listener(tokenHash);
  }
}

/** Else a token that was stolen would outlive its own end. */
function refuseMoreThanMaker({ apiToken }: SignedIn, row: ApiToken): void {
  if (!apiToken) return;
  const isMore = row.scope.split(' ').some((scope) => !apiToken.scopes.has(scope as Scope));
  if (!isMore && row.expiresAt <= apiToken.expiresAt) return;
  const message = 'A token can only make tokens with scopes that it has itself and that end no later than it does.';
  throw new ControlPlaneError('insufficient_scope', message);
}

function deleteTokens(db: SqliteDatabase, where: string, ...values: (string | number)[]): string[] {
  return db
    .prepare(`DELETE FROM api_tokens WHERE ${where} RETURNING token_hash`)
    .pluck()
    .all(...values) as string[];
}
