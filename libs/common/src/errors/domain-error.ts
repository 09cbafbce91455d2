export interface FieldError {
  field: string;
  message: string;
}

export interface DomainErrorOptions {
  cause?: unknown;
  /** One entry a field that was refused. */
  fields?: FieldError[];
  /** What was typed, so that a form can be shown again as it was. Never a password. */
  input?: unknown;
  /** Sent as `Retry-After`. */
  retryAfterSeconds?: number;
}

/**
 * The one expected failure. `code` is stable and public; the message is a sentence for a person and says what to do.
 * Each app closes its own union of codes and maps them to HTTP statuses in one table (`error-codes.ts`).
 */
export class DomainError<Code extends string = string> extends Error {
  override readonly name = 'DomainError';
  readonly fields?: FieldError[];
  readonly input?: unknown;
  readonly retryAfterSeconds?: number;

  constructor(
    readonly code: Code,
    message: string,
    options: DomainErrorOptions = {},
  ) {
    super(message, { cause: options.cause });
    this.fields = options.fields;
    this.input = options.input;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
