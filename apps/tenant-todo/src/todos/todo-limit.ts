import { DomainError } from '@app/common/errors/domain-error';
import type { ErrorCode } from '../error-codes';

export function todoLimitReached(maxTodos: number): DomainError<ErrorCode> {
  const limit = maxTodos.toLocaleString('en');
  return new DomainError('todo_limit_reached', `The list is full: it may have ${limit} to-dos. Delete some first.`);
}
