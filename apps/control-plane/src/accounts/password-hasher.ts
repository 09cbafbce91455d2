import * as argon2 from 'argon2';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { ControlPlaneError } from '../error-codes';

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. */
export const HASH_PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** More than three at once starve the thread pool that files and DNS share. */
const MAX_AT_ONCE = 3;
/** A few seconds' worth; who comes later is told to. */
const MAX_WAITING = 200;
const RETRY_AFTER_SECONDS = 3;

/**
 * argon2id. The parameters stand in each hash, so that they can be raised later. A password is hashed as the bytes (UTF-8) that
 * were typed, neither trimmed nor normalised. Every method throws `server_busy` when too many hashes wait already.
 */
@Injectable()
export class PasswordHasher implements OnModuleInit {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private nobodysHash = '';

  /** Made before the first login, so that none has to wait for it and be told apart by that. */
  async onModuleInit(): Promise<void> {
    this.nobodysHash = await this.hash(randomBytes(16).toString('hex'));
  }

  hash(password: string): Promise<string> {
    return this.inTurn(() => argon2.hash(password, { ...HASH_PARAMETERS, type: argon2.argon2id }));
  }

  /** Whether the password is the one of the hash. `null`, for an account that does not exist, is false and takes as long. */
  async verify(hash: string | null, password: string): Promise<boolean> {
    const isRight = await this.inTurn(() => argon2.verify(hash ?? this.nobodysHash, password));
    return isRight && hash !== null;
  }

  /** True for a hash of another kind or with parameters other than today's. */
  needsRehash(hash: string): boolean {
    return !hash.startsWith('$argon2id$') || argon2.needsRehash(hash, HASH_PARAMETERS);
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < MAX_AT_ONCE) this.running += 1;
    else await this.waitForTurn();
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next)
        next(); // hands its place on
      else this.running -= 1;
    }
  }

  private waitForTurn(): Promise<void> {
    if (this.waiting.length >= MAX_WAITING)
      throw new ControlPlaneError('server_busy', 'Too many people sign in right now. Try again in a few seconds.', {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
