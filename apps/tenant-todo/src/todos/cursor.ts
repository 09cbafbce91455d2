import { DomainError } from '@app/common/errors/domain-error';
import type { ErrorCode } from '../error-codes';

/** The last row of a page, and the generation of positions that it was read in. */
export interface Cursor {
  generation: number;
  position: number;
  id: string;
}

/** A page begins below the last row of the one before, so that what is added or removed meanwhile moves nothing. */
export function encodeCursor({ generation, position, id }: Cursor): string {
  return Buffer.from(`below:${generation}:${position}:${id}`).toString('base64url');
}

/** Throws `cursor_invalid` for anything that `encodeCursor` did not make. */
export function decodeCursor(text: string): Cursor {
  const [, generation, position, id] =
    /^below:(\d{1,15}):(-?\d[\d.e+-]{0,30}):([\w-]{1,64})$/.exec(Buffer.from(text, 'base64url').toString()) ?? [];
  const cursor = { generation: Number(generation), position: Number(position), id: id ?? '' };
  if (id === undefined || encodeCursor(cursor) !== text) throw cursorInvalid();
  return cursor;
}

export function cursorInvalid(): DomainError<ErrorCode> {
  return new DomainError('cursor_invalid', 'The cursor is not one of this list. Begin again without one.');
}
