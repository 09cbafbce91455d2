import type { ValidationError } from 'class-validator';
import { DomainError, type FieldError } from './domain-error';

/**
 * Turns class-validator's findings into one `validation_failed` with an entry for each refused field.
 * `input` is given back so that a form can show what was typed; the caller leaves secrets out of it.
 */
export function validationFailed(
  errors: readonly ValidationError[],
  input?: unknown,
): DomainError<'validation_failed'> {
  const fields = errors.flatMap((error) => fieldErrors(error, ''));
  return new DomainError('validation_failed', 'Some fields need a change: see `errors`.', { fields, input });
}

function fieldErrors(error: ValidationError, prefix: string): FieldError[] {
  const field = `${prefix}${error.property}`;
  const own = error.constraints ? [{ field, message: firstMessage(error.constraints) }] : [];
  return [...own, ...(error.children ?? []).flatMap((child) => fieldErrors(child, `${field}.`))];
}

function firstMessage(constraints: Record<string, string>): string {
  if (constraints.whitelistValidation) return 'This field is not known here.';
  return Object.values(constraints)[0] ?? 'Not valid.';
}
