import { DomainError } from '@app/common/errors/domain-error';
import type { ErrorCode } from '../error-codes';

/** A page begins below the last row of the one before, so that what is added or removed meanwhile moves nothing. */
export function encodeCursor(lastSeq: number): string {
  return Buffer.from(`below:${lastSeq}`).toString('base64url');
}

/** Throws `cursor_invalid` for anything that `encodeCursor` did not make. */
export function decodeCursor(cursor: string): number {
  const seq = Number(/^below:([1-9]\d{0,14})$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1]);
  if (Number.isNaN(seq) || encodeCursor(seq) !== cursor) {
    throw new DomainError<ErrorCode>('cursor_invalid', 'The cursor is not one of this list. Begin again without one.');
  }
  return seq;
}
