/** What a tenant token says. JWT with EdDSA (RFC 8037); times in seconds since the epoch (RFC 7519). */
export interface TenantClaims {
  /** The tenant's app name. */
  aud: string;
  /** The user's id, which is the tenant's id. */
  sub: string;
  /** The id of the only database that may be served to the bearer. */
  dbid: string;
  /** The tenant's epoch, 1 or more: goes up by one whenever another machine becomes the one that may write. */
  epoch: number;
  iat: number;
  exp: number;
}

export type TokenErrorCode = 'token_missing' | 'token_invalid' | 'token_expired' | 'unknown_key';

export const TOKEN_ALGORITHM = 'EdDSA';
export const TOKEN_TYPE = 'tenant+jwt';
