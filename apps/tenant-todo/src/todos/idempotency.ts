import { DomainError } from '@app/common/errors/domain-error';
import type { Clock } from '@app/common/time/clock';
import { Inject, Injectable } from '@nestjs/common';
import type { Statement } from 'better-sqlite3';
import { createHash } from 'node:crypto';
import { TenantDatabase } from '../database/tenant-database';
import type { ErrorCode } from '../error-codes';
import { CLOCK } from '../tokens';

export const KEPT_MS = 24 * 60 * 60 * 1000;
export const KEPT_KEYS = 1000;

interface KeyRow {
  fingerprint: string;
  answer: string;
}

/** Remembers what was answered to a keyed request: for a day, and for the last thousand of them. */
@Injectable()
export class Idempotency {
  private readonly select: Statement<[string, number], KeyRow>;
  private readonly insert: Statement<[string, string, string, number]>;
  private readonly expire: Statement<[number, number]>;

  constructor(
    database: TenantDatabase,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.select = database.sqlite.prepare(
      'SELECT fingerprint, answer FROM idempotency_keys WHERE key = ? AND created_at > ?',
    );
    this.insert = database.sqlite.prepare(
      'INSERT OR REPLACE INTO idempotency_keys (key, fingerprint, answer, created_at) VALUES (?, ?, ?, ?)',
    );
    this.expire = database.sqlite.prepare(
      `DELETE FROM idempotency_keys WHERE created_at <= ? OR position <= (SELECT max(position) FROM idempotency_keys) - ?`,
    );
  }

  /**
   * Gives the answer of the first request with this key, else runs `work` and remembers its answer. The caller holds the
   * transaction that both are part of, so of two at once the second finds the first. Throws `idempotency_key_reused`.
   */
  once<T>(key: string | undefined, request: unknown, work: () => T): T {
    if (key === undefined) return work();
    if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
      throw new DomainError<ErrorCode>(
        'idempotency_key_invalid',
        'Idempotency-Key is 1 to 255 visible ASCII characters.',
      );
    }
    const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest('hex');
    const known = this.select.get(key, this.clock.now() - KEPT_MS);
    if (known) return answerAgain<T>(known, fingerprint);
    const answer = work();
    this.insert.run(key, fingerprint, JSON.stringify(answer), this.clock.now());
    this.expire.run(this.clock.now() - KEPT_MS, KEPT_KEYS);
    return answer;
  }
}

function answerAgain<T>(known: KeyRow, fingerprint: string): T {
  if (known.fingerprint === fingerprint) return JSON.parse(known.answer) as T; // what `work` of the same key gave
  throw new DomainError<ErrorCode>(
    'idempotency_key_reused',
    'This Idempotency-Key was used for another request. Send a new key with a new request.',
  );
}
