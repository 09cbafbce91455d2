import type { Logger } from '@app/common/logging/logger';
import type { SqliteDatabase } from '@app/common/sqlite/open';
import type { Clock } from '@app/common/time/clock';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CLOCK } from '../clock.token';
import type { ControlPlaneConfig } from '../config';
import { CONFIG } from '../config.token';
import { atomically, handleOf } from '../database/atomically';
import type { SignedIn } from '../front-door/request-context';
import { LOGGER } from '../logger.token';
import { SECRETS } from '../secrets.token';
import { SessionCache, type CachedSession } from './session-cache';
import type { SessionCookie } from './session-cookie';
import { SessionIds } from './session-ids';
import type { SignInOrigin } from './sign-in-origin';

const SEEN_EVERY_MS = 60_000;
const SWEEP_EVERY_MS = 5 * 60_000;
const SWEEP_BATCH = 200;
const BATCH_PAUSE_MS = 50;

export type SessionEndedListener = (sessionHash: string, userId: string) => void;

/**
 * Who is signed in. Sessions live in the table; the front door's look-up comes from memory. Look-ups and endings are synchronous SQL
 * on TypeORM's handle: were the row read across an `await`, a session that ends meanwhile would be put back into memory.
 */
@Injectable()
export class SessionsService implements OnModuleInit, OnModuleDestroy {
  private readonly ids: SessionIds;
  private readonly cache: SessionCache;
  private readonly listeners = new Set<SessionEndedListener>();
  private sweepTimer?: NodeJS.Timeout;
  private nextBatch?: NodeJS.Timeout;

  constructor(
    private readonly dataSource: DataSource,
    @Inject(CONFIG) private readonly config: Readonly<ControlPlaneConfig>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(SECRETS) secrets: readonly [string, ...string[]],
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.ids = new SessionIds(secrets);
    this.cache = new SessionCache(clock);
  }

  onModuleInit(): void {
    this.sweepTimer = setInterval(() => this.sweep(), SWEEP_EVERY_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.sweepTimer);
    clearTimeout(this.nextBatch);
  }

  /** Whose cookie this is, or null when it is nobody's, has expired or was ended. */
  lookUp(cookieValue: string): SignedIn | null {
    const session = this.cache.get(cookieValue) ?? this.load(cookieValue);
    if (!session || session.expiresAt <= this.clock.now()) return null;
    this.touch(session);
    return session.signedIn;
  }

  /** Opens a session and ends the one that the browser had. */
  open(user: { id: string }, from: SignInOrigin): Promise<SessionCookie> {
    return Promise.resolve(this.opening(from, (_db, openSession) => openSession(user)));
  }

  /** As `open`, in one transaction with what else `work` writes: when that throws, nothing has happened. */
  opening<T>(from: SignInOrigin, work: (db: SqliteDatabase, openSession: OpenSession) => T): T {
    const { result, ended } = atomically(this.dataSource, (db) => ({
      result: work(db, (user) => this.insert(db, user, from)),
      ended: from.previousSessionHash ? deleteSessions(db, 'id_hash = ?', from.previousSessionHash) : [],
    }));
    this.tell(ended);
    return result;
  }

  /** Ends one session at once, by the hash that names it. Repeatable. */
  end(sessionHash: string): Promise<void> {
    this.tell(deleteSessions(handleOf(this.dataSource), 'id_hash = ?', sessionHash));
    return Promise.resolve();
  }

  /** Ends every session of a user at once. Repeatable. */
  endAll(userId: string): Promise<void> {
    return Promise.resolve(this.endingAll(userId, () => undefined));
  }

  /** As `endAll`, in one transaction with what else `work` writes. */
  endingAll(userId: string, work: (db: SqliteDatabase) => void): void {
    const ended = atomically(this.dataSource, (db) => {
      work(db);
      return deleteSessions(db, 'user_id = ?', userId);
    });
    this.tell(ended);
  }

  /** Calls `listener` for each session that ends, by whatever way, until the returned function is called. */
  onEnded(listener: SessionEndedListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Removes the expired sessions, batch after batch with a pause between them, so that requests go first. */
  sweep(): void {
    try {
      const expired = 'id_hash IN (SELECT id_hash FROM sessions WHERE expires_at <= ? LIMIT ?)';
      const ended = deleteSessions(handleOf(this.dataSource), expired, this.clock.now(), SWEEP_BATCH);
      this.tell(ended);
      if (ended.length === SWEEP_BATCH) this.nextBatch = setTimeout(() => this.sweep(), BATCH_PAUSE_MS).unref();
    } catch (error) {
      this.log.error({ error }, 'sessions.sweep_failed');
    }
  }

  private load(cookieValue: string): CachedSession | null {
    const hashes = this.ids.hashes(cookieValue);
    if (hashes.length === 0) return null;
    const row = handleOf(this.dataSource)
      .prepare(
        `SELECT s.id_hash AS sessionHash, s.user_id AS userId, s.created_at AS createdAt, s.last_seen_at AS lastSeenAt,
                s.expires_at AS expiresAt, u.email
         FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id_hash IN (${hashes.map(() => '?').join(', ')})`,
      )
      .get(...hashes) as SessionRow | undefined; // the columns named in the statement
    if (!row) return null;
    const { sessionHash, userId, email, ...times } = row;
    return this.cache.set(cookieValue, { signedIn: { sessionHash, userId, email }, ...times });
  }

  /** A write each minute at most: each request would cost a disk sync. */
  private touch(session: CachedSession): void {
    const now = this.clock.now();
    if (now - session.lastSeenAt < SEEN_EVERY_MS) return;
    session.lastSeenAt = now;
    session.expiresAt = this.expiry(session.createdAt, now);
    handleOf(this.dataSource)
      .prepare('UPDATE sessions SET last_seen_at = ?, expires_at = ? WHERE id_hash = ?')
      .run(now, session.expiresAt, session.signedIn.sessionHash);
  }

  private expiry(createdAt: number, seenAt: number): number {
    const { sessionIdleHours, sessionMaxHours } = this.config;
    return Math.min(seenAt + sessionIdleHours * 3_600_000, createdAt + sessionMaxHours * 3_600_000);
  }

  private insert(db: SqliteDatabase, user: { id: string }, from: SignInOrigin): SessionCookie {
    const now = this.clock.now();
    const { id, hash } = this.ids.create();
    db.prepare(
      `INSERT INTO sessions (id_hash, user_id, created_at, last_seen_at, expires_at, user_agent, address)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ).run(hash, user.id, now, now, this.expiry(now, now), from.userAgent, from.address);
    return { value: id, maxAgeSeconds: this.config.sessionMaxHours * 3600 };
  }

  /** After the rows are gone for good. */
  private tell(ended: readonly EndedSession[]): void {
    for (const { sessionHash } of ended) this.cache.forget(sessionHash);
    for (const { sessionHash, userId } of ended) for (const listener of this.listeners) listener(sessionHash, userId);
  }
}

export type OpenSession = (user: { id: string }) => SessionCookie;

interface EndedSession {
  sessionHash: string;
  userId: string;
}

function deleteSessions(db: SqliteDatabase, where: string, ...values: (string | number)[]): EndedSession[] {
  return db
    .prepare(`DELETE FROM sessions WHERE ${where} RETURNING id_hash AS sessionHash, user_id AS userId`)
    .all(...values) as EndedSession[]; // the columns named in RETURNING
}

interface SessionRow extends EndedSession {
  email: string;
  createdAt: number;
  lastSeenAt: number;
  expiresAt: number;
}
