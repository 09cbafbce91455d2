import type { Logger } from '@app/common/logging/logger';
import type { SqliteDatabase } from '@app/common/sqlite/open';
import type { Clock } from '@app/common/time/clock';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DataSource, MoreThan } from 'typeorm';
import { CLOCK } from '../clock.token';
import type { ControlPlaneConfig } from '../config';
import { CONFIG } from '../config.token';
import { atomically, handleOf } from '../database/atomically';
import { ControlPlaneError } from '../error-codes';
import type { SignedIn } from '../front-door/request-context';
import { LOGGER } from '../logger.token';
import { SECRETS } from '../secrets.token';
import { SessionCache, type CachedSession } from './session-cache';
import type { SessionCookie } from './session-cookie';
import { SessionIds } from './session-ids';
import { Session } from './session.entity';
import type { SignInOrigin } from './sign-in-origin';

const SEEN_EVERY_MS = 60_000;
const SWEEP_EVERY_MS = 5 * 60_000;
const SWEEP_BATCH = 200;
const BATCH_PAUSE_MS = 50;
/** 128 bits. */
const PUBLIC_ID_LENGTH = 32;

export type SessionEndedListener = (sessionHash: string, userId: string) => void;

/**
 * Who is signed in. Sessions live in the table; the front door's look-up comes from memory. Look-ups and endings are synchronous SQL
 * on TypeORM's handle: were the row read across an `await`, a session that ends meanwhile would be put back into memory.
 */
@Injectable()
export class SessionsService implements OnModuleInit, OnModuleDestroy {
  private readonly ids: SessionIds;
  private readonly cache: SessionCache<KeptSession>;
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

  /** Those of a user that have not expired, the last used first. */
  list(userId: string): Promise<Session[]> {
    return this.dataSource.getRepository(Session).find({
      where: { userId, expiresAt: MoreThan(this.clock.now()) },
      order: { lastSeenAt: 'DESC', createdAt: 'DESC' },
    });
  }

  /** Ends one of the user's sessions at once, by its public id. Throws `not_found`. */
  revoke(userId: string, publicId: string): void {
    const where = `user_id = ? AND substr(id_hash, 1, ${PUBLIC_ID_LENGTH}) = ?`;
    const ended = deleteSessions(handleOf(this.dataSource), where, userId, publicId);
    if (ended.length === 0) throw new ControlPlaneError('not_found', 'There is no such session; it may have ended.');
    this.tell(ended);
  }

  /** Ends every session of a user at once but the one with this hash, in one transaction with what else `work` writes. */
  endingOthers(userId: string, keptHash: string, work: (db: SqliteDatabase) => void = () => undefined): void {
    const ended = atomically(this.dataSource, (db) => {
      work(db);
      return deleteSessions(db, 'user_id = ? AND id_hash <> ?', userId, keptHash);
    });
    this.tell(ended);
  }

  /** Ends every session of a user at once. Repeatable. */
  endAll(userId: string): Promise<void> {
    return Promise.resolve(this.endingAll(userId, () => undefined));
  }

  /** As `endAll`, in one transaction with what else `work` writes. */
  endingAll<T>(userId: string, work: (db: SqliteDatabase) => T): T {
    const { result, ended } = atomically(this.dataSource, (db) => ({
      result: work(db),
      ended: deleteSessions(db, 'user_id = ?', userId),
    }));
    this.tell(ended);
    return result;
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

  private load(cookieValue: string): KeptSession | null {
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
  private touch(session: KeptSession): void {
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

/** What a session is called where it is listed. The session itself cannot be made from it, as little as from the whole hash. */
export function publicIdOf(sessionHash: string): string {
  return sessionHash.slice(0, PUBLIC_ID_LENGTH);
}

type KeptSession = CachedSession & { createdAt: number };

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
