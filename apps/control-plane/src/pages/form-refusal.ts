import { DomainError } from '@app/common/errors/domain-error';
import { toProblem } from '@app/common/errors/problem';
import { ERROR_STATUSES } from '../error-codes';
import type { FormProblem } from './form-view';

/** A failure that the form itself can show. */
export interface RefusedPost {
  status: number;
  problem: FormProblem;
  retryAfterSeconds: number | undefined;
}

/** Null for what no form can help with: a session that is gone, a request of another shape, a bug. */
export function refusedFormOf(error: unknown, requestId: string): RefusedPost | null {
  if (!(error instanceof DomainError)) return null;
  const { status, code, detail, errors = [] } = toProblem(error, ERROR_STATUSES, requestId);
  if (status === 500 || code === 'unauthenticated' || code === 'bad_request') return null;
  return { status, problem: { detail, fields: errors }, retryAfterSeconds: error.retryAfterSeconds };
}
