import { ValidateBy } from 'class-validator';

/** A rule that says itself what is wrong: `problemOf` gives a sentence, or null for what may pass. */
export function Passes(name: string, problemOf: (value: unknown) => string | null): PropertyDecorator {
  return ValidateBy({
    name,
    validator: {
      validate: (value: unknown) => problemOf(value) === null,
      defaultMessage: (args) => problemOf(args?.value) ?? '',
    },
  });
}
