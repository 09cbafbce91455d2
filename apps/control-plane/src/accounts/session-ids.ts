import { randomBytes } from 'node:crypto';
import { KeyedHashes } from './keyed-hashes';

const ID_PATTERN = /^[A-Za-z0-9_-]{43}$/;

/** Makes session ids and the hashes under which they are stored. */
export class SessionIds {
  private readonly stored: KeyedHashes;

  constructor(secrets: readonly [string, ...string[]]) {
    this.stored = new KeyedHashes(secrets, 'session id hmac');
  }

  /** 256 random bits, and the hash to store. */
  create(): { id: string; hash: string } {
    const id = randomBytes(32).toString('base64url');
    return { id, hash: this.stored.of(id) };
  }

  /** Every hash under which this id may be stored; none for what cannot be an id. */
  hashes(id: string): string[] {
    return ID_PATTERN.test(id) ? this.stored.all(id) : [];
  }
}
