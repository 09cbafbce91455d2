import { validationFailed } from '@app/common/errors/validation';
import { ValidationPipe } from '@nestjs/common';
import { classToPlain, plainToInstance } from 'class-transformer';
import { validate } from 'class-validator';

/**
 * Unknown fields are refused, not dropped: a misspelt one would else look stored. The two packages are handed over, so that the
 * bundle has of them what is used instead of Nest's own import of the whole.
 */
export function createValidationPipe(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    exceptionFactory: (errors) => validationFailed(errors),
    validatorPackage: { validate },
    transformerPackage: { classToPlain, plainToInstance },
  });
}
