import { createHmac, hkdfSync } from 'node:crypto';

/**
 * HMAC-SHA256, hex, with a key that HKDF makes from each secret for one purpose. Who reads the database can neither use nor make
 * what is stored under such a hash. The first secret signs; the others still verify what they signed.
 */
export class KeyedHashes {
  private readonly keys: readonly [Buffer, ...Buffer[]];

  constructor(secrets: readonly [string, ...string[]], purpose: string) {
    const keyOf = (secret: string) => Buffer.from(hkdfSync('sha256', secret, '', purpose, 32));
    const [first, ...rest] = secrets;
    this.keys = [keyOf(first), ...rest.map(keyOf)];
  }

  /** With the first secret. */
  of(value: string): string {
    return hash(this.keys[0], value);
  }

  /** With each secret. */
  all(value: string): string[] {
    return this.keys.map((key) => hash(key, value));
  }
}

function hash(key: Buffer, value: string): string {
  return createHmac('sha256', key).update(value).digest('hex');
}
