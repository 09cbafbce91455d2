import { validationFailed } from '@app/common/errors/validation';
import { plainToInstance } from 'class-transformer';
import { validate } from 'class-validator';

/**
 * A posted form as its DTO. Fields that the DTO does not name (buttons, hidden helpers) are dropped, not refused.
 * Throws `validation_failed` without the input: what was typed is at hand where the form is shown again.
 */
export async function readForm<Dto extends object>(dto: new () => Dto, body: unknown): Promise<Dto> {
  const form = plainToInstance(dto, isRecord(body) ? body : {});
  const errors = await validate(form, { whitelist: true });
  if (errors.length > 0) throw validationFailed(errors);
  return form;
}

function isRecord(body: unknown): body is Record<string, unknown> {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}
