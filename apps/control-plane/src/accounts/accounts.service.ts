import type { SqliteDatabase } from '@app/common/sqlite/open';
import type { Clock } from '@app/common/time/clock';
import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { CLOCK } from '../clock.token';
import type { ControlPlaneConfig } from '../config';
import { CONFIG } from '../config.token';
import { ControlPlaneError } from '../error-codes';
import type { SignedIn } from '../front-door/request-context';
import type { RegionCode } from '../tenants/regions';
import { TenantsService } from '../tenants/tenants.service';
import { ApiTokensService } from './api-tokens.service';
import { normaliseEmail } from './credentials';
import { LoginThrottle, type PasswordAttempt } from './login-throttle';
import { PasswordHasher } from './password-hasher';
import type { SessionCookie } from './session-cookie';
import { SessionsService } from './sessions.service';
import type { SignInOrigin } from './sign-in-origin';
import { User } from './user.entity';

export interface SignUpInput {
  email: string;
  password: string;
  region: string;
}

/** People and their passwords. */
@Injectable()
export class AccountsService {
  constructor(
    private readonly dataSource: DataSource,
    @Inject(CONFIG) private readonly config: Readonly<ControlPlaneConfig>,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly tenants: TenantsService,
    private readonly sessions: SessionsService,
    private readonly tokens: ApiTokensService,
    private readonly hasher: PasswordHasher,
    private readonly throttle: LoginThrottle,
  ) {}

  /**
   * Makes the user, the tenant, its app as `provisioning` and a session, all or nothing; no platform is asked.
   * Throws `validation_failed` (a region that is not offered), `email_taken`, `too_many_attempts`, `server_busy`.
   */
  async signUp(input: SignUpInput, from: SignInOrigin): Promise<{ user: User; cookie: SessionCookie }> {
    const email = normaliseEmail(input.email);
    const typed = { email: input.email, region: input.region };
    const region = this.offeredRegion(input.region, typed);
    this.throttle.takeSignUp(from.address);
    if (await this.dataSource.getRepository(User).existsBy({ email })) throw emailTaken(typed);

    const passwordHash = await this.hasher.hash(input.password);
    const user: User = { id: randomUUID(), email, passwordHash, createdAt: this.clock.now() };
    return this.sessions.opening(from, (db, openSession) => {
      insertUser(db, user, typed);
      this.tenants.createWithin(db, { id: user.id, region, at: user.createdAt });
      return { user, cookie: openSession(user) };
    });
  }

  /**
   * Whose password this is. An unknown address and a wrong password are told alike, and take as long.
   * Throws `wrong_credentials`, `too_many_attempts`, `server_busy`.
   */
  async checkLogin(input: { email: string; password: string }, address: string): Promise<User> {
    const email = normaliseEmail(input.email);
    const attempt = this.throttle.takePassword(email, address);
    const user = await this.dataSource.getRepository(User).findOneBy({ email });
    if (!(await this.isRight(attempt, user, input.password)) || !user) throw wrongCredentials(input.email);
    return this.withCurrentHash(user, input.password);
  }

  /** Opens a session for who passed `checkLogin`; the one that the browser had ends. Throws `account_deleting`. */
  logIn(user: User, from: SignInOrigin): Promise<SessionCookie> {
    return new Promise((resolve) => {
      const cookie = this.sessions.opening(from, (db, openSession) => {
        // Inside the transaction: a deletion that was asked for since the password was checked has ended all sessions already.
        if (this.tenants.isDeletedWithin(db, user.id)) throw accountDeleting(user);
        // And a password that was changed since is not the one that was checked.
        const passwordHash = db.prepare('SELECT password_hash FROM users WHERE id = ?').pluck().get(user.id);
        if (passwordHash !== user.passwordHash) throw wrongCredentials(user.email);
        return openSession(user);
      });
      resolve(cookie);
    });
  }

  /**
   * Marks the account for deletion: all sessions and API tokens end at once, machine, volume and app are destroyed in the background, then the user's
   * row goes. Repeatable. Throws `wrong_password`, `too_many_attempts`, `server_busy`, and `unauthenticated` when the account is gone.
   */
  async deleteAccount(userId: string, password: string, address: string): Promise<void> {
    await this.confirm(userId, { field: 'password', password }, address);
    const endTokens = this.sessions.endingAll(userId, (db) => {
      this.tenants.markDeletedWithin(db, userId, this.clock.now());
      return this.tokens.revokeAllWithin(db, userId);
    });
    endTokens();
  }

  /**
   * Puts a new password in the place of the current one and ends every other session at once; API tokens stay.
   * Throws `wrong_password`, `too_many_attempts`, `server_busy`, and `unauthenticated` when the account is gone.
   */
  async changePassword(by: SignedIn, passwords: { current: string; new: string }, address: string): Promise<void> {
    const current = { field: 'current', password: passwords.current };
    const user = await this.confirm(by.userId, current, address);
    const passwordHash = await this.hasher.hash(passwords.new);
    this.sessions.endingOthers(user.id, by.sessionHash, (db) => {
      const { changes } = db
        .prepare('UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?')
        .run(passwordHash, user.id, user.passwordHash);
      if (changes === 0) throw wrongPassword(current.field); // it was changed while this one was hashed
    });
  }

  /** The user's row, or null when the account is gone. */
  find(userId: string): Promise<User | null> {
    return this.dataSource.getRepository(User).findOneBy({ id: userId });
  }

  /** Asks once more for the password of somebody who is signed in; gives the user that it was compared with. */
  private async confirm(userId: string, typed: { field: string; password: string }, address: string): Promise<User> {
    const user = await this.find(userId);
    if (!user) throw new ControlPlaneError('unauthenticated', 'This account does not exist any more.');
    const attempt = this.throttle.takePassword(user.email, address);
    if (!(await this.isRight(attempt, user, typed.password))) throw wrongPassword(typed.field);
    return user;
  }

  private offeredRegion(region: string, typed: unknown): RegionCode {
    const offered = this.config.regions.find((code) => code === region);
    if (offered) return offered;
    const message = `Choose one of these regions: ${this.config.regions.join(', ')}.`;
    throw new ControlPlaneError('validation_failed', message, { fields: [{ field: 'region', message }], input: typed });
  }

  private async isRight(attempt: PasswordAttempt, user: User | null, password: string): Promise<boolean> {
    let isRight: boolean;
    try {
      isRight = await this.hasher.verify(user?.passwordHash ?? null, password);
    } catch (error) {
      attempt.dropped();
      throw error;
    }
    if (isRight) attempt.right();
    return isRight;
  }

  /** Hashes again where the parameters were raised since; only here is the password at hand. */
  private async withCurrentHash(user: User, password: string): Promise<User> {
    if (!this.hasher.needsRehash(user.passwordHash)) return user;
    const passwordHash = await this.hasher.hash(password).catch(ignoreBusy);
    if (passwordHash === null) return user;
    // Under the hash that was seen: a password that was changed meanwhile stays changed.
    const users = this.dataSource.getRepository(User);
    const { affected } = await users.update({ id: user.id, passwordHash: user.passwordHash }, { passwordHash });
    if (affected === 1) return { ...user, passwordHash };
    const changed = await users.findOneBy({ id: user.id });
    if (!changed || !(await this.hasher.verify(changed.passwordHash, password))) throw wrongCredentials(user.email);
    return changed; // another login has hashed it again
  }
}

/** A login that is right does not fail because a better hash has to wait. */
function ignoreBusy(error: unknown): null {
  if (error instanceof ControlPlaneError && error.code === 'server_busy') return null;
  throw error;
}

function wrongCredentials(email: string): ControlPlaneError {
  return new ControlPlaneError('wrong_credentials', 'E-mail or password is wrong.', { input: { email } });
}

function wrongPassword(field: string): ControlPlaneError {
  const message = 'This is not your password.';
  return new ControlPlaneError('wrong_password', message, { fields: [{ field, message }] });
}

function accountDeleting(user: User): ControlPlaneError {
  const message = 'This account is being deleted: you cannot log in to it any more.';
  return new ControlPlaneError('account_deleting', message, { input: { email: user.email } });
}

function insertUser(db: SqliteDatabase, user: User, typed: unknown): void {
  try {
    db.prepare('INSERT INTO users (id, email, password_hash, created_at) VALUES (?, ?, ?, ?)').run(
      user.id,
      user.email,
      user.passwordHash,
      user.createdAt,
    );
  } catch (error) {
    if ((error as { code?: unknown }).code === 'SQLITE_CONSTRAINT_UNIQUE') throw emailTaken(typed, error);
    throw error;
  }
}

function emailTaken(input: unknown, cause?: unknown): ControlPlaneError {
  const message = 'There is an account with this e-mail address already. Log in instead, or use another address.';
  return new ControlPlaneError('email_taken', message, { fields: [{ field: 'email', message }], input, cause });
}
