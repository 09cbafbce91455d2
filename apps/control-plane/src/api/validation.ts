import { validationFailed } from '@app/common/errors/validation';
import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';

/** Never given back, whatever a DTO calls the rest. */
const SECRET_FIELDS = new Set(['password', 'current', 'new', 'token']);

/** Bodies become their DTO or are refused with `validation_failed`: unknown fields too. What was typed is given back without secrets. */
export function apiValidation(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    validationError: { target: true },
    exceptionFactory: (errors: ValidationError[]) => validationFailed(errors, inputWithoutSecrets(errors)),
  });
}

function inputWithoutSecrets(errors: ValidationError[]): Record<string, unknown> {
  const unknown = new Set(errors.filter(({ constraints }) => constraints?.whitelistValidation).map((e) => e.property));
  const typed = Object.entries(errors[0]?.target ?? {});
  return Object.fromEntries(typed.filter(([field]) => !SECRET_FIELDS.has(field) && !unknown.has(field)));
}
