import type { TokenErrorCode } from '@app/common/tenant-token/claims';

/** Every expected failure of this app; clients may rely on the names. */
export type ErrorCode =
  | TokenErrorCode
  | 'wrong_tenant'
  | 'wrong_epoch'
  | 'not_primary'
  | 'validation_failed'
  | 'json_malformed'
  | 'multipart_malformed'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'cursor_invalid'
  | 'idempotency_key_invalid'
  | 'idempotency_key_reused'
  | 'precondition_failed'
  | 'todo_not_found'
  | 'todo_limit_reached'
  | 'image_not_found'
  | 'image_too_large'
  | 'image_type_unsupported'
  | 'thumbnail_unavailable'
  | 'import_running'
  | 'too_many_streams'
  | 'storage_full'
  | 'shutting_down';

/** The one place where a code gets its HTTP status; a code without one does not compile. */
export const ERROR_STATUSES = {
  token_missing: 401,
  token_invalid: 401,
  token_expired: 401,
  unknown_key: 401,
  wrong_tenant: 421,
  wrong_epoch: 421,
  not_primary: 421,
  validation_failed: 422,
  json_malformed: 400,
  multipart_malformed: 400,
  body_too_large: 413,
  unsupported_media_type: 415,
  cursor_invalid: 400,
  idempotency_key_invalid: 400,
  idempotency_key_reused: 422,
  precondition_failed: 412,
  todo_not_found: 404,
  todo_limit_reached: 409,
  image_not_found: 404,
  image_too_large: 413,
  image_type_unsupported: 415,
  thumbnail_unavailable: 404,
  import_running: 409,
  too_many_streams: 429,
  storage_full: 507,
  shutting_down: 503,
} as const satisfies Record<ErrorCode, number>;
