import { DomainError } from '@app/common/errors/domain-error';

/** Every failure that the control plane answers with, and its HTTP status. A code without a status does not compile. */
export const ERROR_STATUSES = {
  validation_failed: 422,
  email_taken: 409,
  wrong_credentials: 401,
  account_deleting: 409,
  unauthenticated: 401,
  invalid_token: 401,
  insufficient_scope: 403,
  too_many_tokens: 409,
  wrong_password: 403,
  cross_site: 403,
  too_many_attempts: 429,
  too_many_streams: 429,
  server_busy: 503,
  not_found: 404,
  bad_path: 400,
  bad_headers: 400,
  bad_request: 400,
  json_malformed: 400,
  headers_too_large: 431,
  method_not_allowed: 405,
  body_too_large: 413,
  unsupported_media_type: 415,
  expectation_failed: 417,
  upgrade_not_supported: 501,
  no_direct_address: 409,
  retry_not_possible: 409,
  replica_not_possible: 409,
  tenant_not_ready: 503,
  tenant_busy: 503,
  tenant_failed: 503,
  tenant_deleting: 410,
  tenant_unreachable: 502,
  tenant_timeout: 504,
  tenant_bad_answer: 502,
  platform_unavailable: 503,
  shutting_down: 503,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof ERROR_STATUSES;

/** The control plane's own failure; `code` is one of `ERROR_STATUSES`. */
export class ControlPlaneError extends DomainError<ErrorCode> {}
