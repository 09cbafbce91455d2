import { createHmac, hkdfSync, randomBytes } from 'node:crypto';

const ID_PATTERN = /^[A-Za-z0-9_-]{43}$/;

/**
 * Makes session ids and the hashes under which they are stored: HMAC-SHA256 with a key from each secret. Who reads the database
 * can neither use a session nor make one. The first secret signs; the others still verify what they signed.
 */
export class SessionIds {
  private readonly keys: readonly Buffer[];

  constructor(secrets: readonly [string, ...string[]]) {
    this.keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'session id hmac', 32)));
  }

  /** 256 random bits, and the hash to store. */
  create(): { id: string; hash: string } {
    const id = randomBytes(32).toString('base64url');
    return { id, hash: this.hashes(id)[0] ?? '' };
  }

  /** Every hash under which this id may be stored; none for what cannot be an id. */
  hashes(id: string): string[] {
    if (!ID_PATTERN.test(id)) return [];
    return this.keys.map((key) => createHmac('sha256', key).update(id).digest('hex'));
  }
}
