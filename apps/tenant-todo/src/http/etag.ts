import { DomainError } from '@app/common/errors/domain-error';
import { createHash } from 'node:crypto';
import type { ErrorCode } from '../error-codes';

/**
 * A strong ETag of what is sent. It names the database, so that the next person at the same browser never gets a 304 for the
 * last one's list, and it follows from the content, so that a restored backup never meets an old ETag by counting up again.
 */
export function etagOf(databaseId: string, content: unknown): string {
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 22);
  return `"${databaseId}.${hash}"`;
}

/** Throws `precondition_failed` unless the `If-Match` header is absent or names the current ETag (null: there is nothing). */
export function assertIfMatch(header: string | undefined, current: string | null): void {
  if (header === undefined) return;
  const tags = header.split(',').map((tag) => tag.trim());
  if (current !== null && (tags.includes('*') || tags.includes(current))) return;
  throw new DomainError<ErrorCode>(
    'precondition_failed',
    'It was changed since you read it. Read it again, then make your change on what is there now.',
  );
}
