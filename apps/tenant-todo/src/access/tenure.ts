import { DomainError } from '@app/common/errors/domain-error';
import type { ErrorCode } from '../error-codes';

export type Role = 'primary' | 'replica';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * How long this machine may serve: at its own epoch alone, and until a token names a higher one, which says that another machine
 * may write now. Every refusal is a 421: nothing was read, and the sender finds the right machine and sends the same again.
 */
export class Tenure {
  /** Another machine has taken over: nothing is served any more, and the process ends. */
  isOver = false;

  constructor(
    readonly role: Role,
    readonly epoch: number,
  ) {}

  /** Throws `wrong_epoch`, and `not_primary` for a write at a replica. */
  admit(method: string, epoch: number): void {
    if (epoch > this.epoch) this.isOver = true;
    if (this.isOver) throw refusal('wrong_epoch', 'Another machine has taken over from this one.');
    if (epoch < this.epoch) throw refusal('wrong_epoch', 'The token is from before this machine took over.');
    if (this.role === 'replica' && !READS.has(method)) {
      throw refusal('not_primary', 'This machine is a read-only replica: write to the primary.');
    }
  }
}

function refusal(code: ErrorCode, message: string): DomainError<ErrorCode> {
  return new DomainError(code, message);
}
