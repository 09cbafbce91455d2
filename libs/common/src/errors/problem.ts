import { STATUS_CODES } from 'node:http';
import { DomainError, type FieldError } from './domain-error';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** The body of every error, RFC 9457 with `code`, `requestId` and, for refused input, `errors` and the `input` itself. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  requestId: string;
  errors?: FieldError[];
  input?: unknown;
}

/** Codes for what the HTTP framework itself refuses (an `HttpException`, or an error of Express's parsers with a `status`). */
const FRAMEWORK_CODES: Record<number, string> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  413: 'body_too_large',
  415: 'unsupported_media_type',
  429: 'too_many_requests',
  501: 'not_implemented',
  503: 'unavailable',
};

/**
 * Maps any thrown value to the answer for it. What is neither a `DomainError` whose code stands in `statuses` nor a client error of
 * the framework is a bug: 500 `internal_error` with a plain sentence, and nothing of the error itself leaves the process.
 */
export function toProblem(error: unknown, statuses: Readonly<Record<string, number>>, requestId: string): Problem {
  if (isDomainError(error)) {
    const status = statuses[error.code];
    if (status !== undefined) {
      return {
        ...problemOf(status, error.code, error.message, requestId),
        ...(error.fields && { errors: error.fields }),
        ...(error.input !== undefined && { input: error.input }),
      };
    }
  }
  const status = frameworkStatus(error);
  if (status !== undefined) {
    const detail = error instanceof Error ? error.message : (STATUS_CODES[status] ?? 'Error');
    return problemOf(status, FRAMEWORK_CODES[status] ?? 'bad_request', detail, requestId);
  }
  return problemOf(
    500,
    'internal_error',
    'Something went wrong on our side. Nothing you sent was at fault; try again.',
    requestId,
  );
}

/** A problem without an error behind it. */
export function problemOf(status: number, code: string, detail: string, requestId: string): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, code, detail, requestId };
}

/** True where the log should have the error whole: nobody foresaw it. */
export function isBug(problem: Problem): boolean {
  return problem.status === 500;
}

/** `instanceof` alone would make the code `any`. */
function isDomainError(error: unknown): error is DomainError {
  return error instanceof DomainError;
}

/** The status of Nest's `HttpException` or of an error of Express's parsers; only client errors and 501 and 503 are meant for the client. */
function frameworkStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { getStatus, status: written } = error as { getStatus?: () => unknown; status?: unknown };
  const status = typeof getStatus === 'function' ? getStatus.call(error) : written;
  if (typeof status !== 'number') return undefined;
  return (status >= 400 && status < 500) || status in FRAMEWORK_CODES ? status : undefined;
}
