import { Inject, Injectable } from '@nestjs/common';
import { timingSafeEqual } from 'node:crypto';
import { SECRETS } from '../secrets.token';
import { KeyedHashes } from './keyed-hashes';

const PROOF = /^([0-9a-f-]{36})\.([0-9a-f]{64})$/;

/** What lets somebody whose account is gone ask how far its deletion is: only who asked for it was given one. It does not expire. */
@Injectable()
export class DeletionProofs {
  private readonly hashes: KeyedHashes;

  constructor(@Inject(SECRETS) secrets: readonly [string, ...string[]]) {
    this.hashes = new KeyedHashes(secrets, 'account deletion proof hmac');
  }

  of(tenantId: string): string {
    return `${tenantId}.${this.hashes.of(tenantId)}`;
  }

  /** The tenant that a proof is of, or null for what is none. */
  tenantOf(proof: string): string | null {
    const [, tenantId, given] = PROOF.exec(proof) ?? [];
    if (!tenantId || !given) return null;
    const isRight = this.hashes.all(tenantId).some((hash) => timingSafeEqual(Buffer.from(hash), Buffer.from(given)));
    return isRight ? tenantId : null;
  }
}
