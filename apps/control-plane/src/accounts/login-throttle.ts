import type { Clock } from '@app/common/time/clock';
import { Inject, Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { CLOCK } from '../clock.token';
import type { ControlPlaneConfig } from '../config';
import { CONFIG } from '../config.token';
import { ControlPlaneError } from '../error-codes';
import { Throttle, addressKey } from './throttle';

const LOGIN_WINDOW_MS = 15 * 60_000;
const SIGNUP_WINDOW_MS = 60 * 60_000;
const ADDRESS_FACTOR = 10;

/** One password that is about to be checked. Exactly one of the three is called when its fate is known. */
export interface PasswordAttempt {
  right(): void;
  wrong(): void;
  /** It was not checked after all. */
  dropped(): void;
}

/** Slows down who guesses passwords or signs up by the hundred. Both throw `too_many_attempts` with the seconds to wait. */
@Injectable()
export class LoginThrottle {
  private readonly byAccount: Throttle;
  private readonly byAddress: Throttle;
  private readonly signUps: Throttle;

  constructor(@Inject(CONFIG) config: Readonly<ControlPlaneConfig>, @Inject(CLOCK) clock: Clock) {
    this.byAccount = new Throttle(config.loginLimit, LOGIN_WINDOW_MS, clock);
    this.byAddress = new Throttle(config.loginLimit * ADDRESS_FACTOR, LOGIN_WINDOW_MS, clock);
    this.signUps = new Throttle(config.signupLimit, SIGNUP_WINDOW_MS, clock);
  }

  /** Counts a password for an account, also one that does not exist. `account` is the e-mail as it is compared. */
  takePassword(account: string, address: string): PasswordAttempt {
    const addressPart = addressKey(address);
    // Hashed, because the text is whatever was typed and may be long.
    const accountPart = `${createHash('sha256').update(account).digest('base64url')} ${addressPart}`;
    refuseFor(this.byAccount.take(accountPart), 'Too many wrong passwords for this account.');
    const addressWait = this.byAddress.take(addressPart);
    if (addressWait > 0) this.byAccount.giveBack(accountPart);
    refuseFor(addressWait, 'Too many wrong passwords from your address.');
    return {
      right: () => {
        this.byAccount.clear(accountPart);
        this.byAddress.giveBack(addressPart);
      },
      wrong: () => undefined,
      dropped: () => {
        this.byAccount.giveBack(accountPart);
        this.byAddress.giveBack(addressPart);
      },
    };
  }

  takeSignUp(address: string): void {
    refuseFor(this.signUps.take(addressKey(address)), 'Too many accounts were made from your address.');
  }
}

function refuseFor(retryAfterSeconds: number, reason: string): void {
  if (retryAfterSeconds === 0) return;
  const minutes = Math.ceil(retryAfterSeconds / 60);
  const wait = minutes === 1 ? 'in a minute' : `in ${minutes} minutes`;
  throw new ControlPlaneError('too_many_attempts', `${reason} Try again ${wait}.`, { retryAfterSeconds });
}
