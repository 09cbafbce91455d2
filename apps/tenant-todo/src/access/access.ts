import { DomainError } from '@app/common/errors/domain-error';
import type { TenantClaims } from '@app/common/tenant-token/claims';
import type { TokenVerifier } from '@app/common/tenant-token/verify';
import type { IncomingMessage } from 'node:http';
import type { ErrorCode } from '../error-codes';
import type { Tenure } from './tenure';

const OPEN_PATHS = new Set(['/healthz', '/readyz', '/metrics']);

export interface Identity {
  tenantId: string;
  appName: string;
  databaseId: string;
}

/**
 * Who may pass, by the request's head alone. Gives the token's claims, or null where none is asked for.
 * Throws `token_missing`, `token_invalid`, `token_expired`, `unknown_key`; `wrong_tenant` for a good token of another tenant, app or
 * database; and what `Tenure.admit` throws. With these the sender came to the wrong machine, nothing was read, and it may send the
 * same again to the right one.
 */
export async function checkAccess(
  request: IncomingMessage,
  verifier: TokenVerifier,
  identity: Identity,
  tenure: Tenure,
): Promise<TenantClaims | null> {
  const [path = ''] = (request.url ?? '').split('?', 1);
  if (OPEN_PATHS.has(path)) return null;
  const [, token] = /^Bearer +([^\s,]+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (!token) throw new DomainError<ErrorCode>('token_missing', 'Send `Authorization: Bearer` with a tenant token.');
  const claims = await verifier.verify(token);
  const { tenantId, appName, databaseId } = identity;
  if (claims.sub !== tenantId || claims.aud !== appName || claims.dbid !== databaseId) {
    throw new DomainError<ErrorCode>(
      'wrong_tenant',
      'The token is for another tenant or database than the one served here.',
    );
  }
  tenure.admit(request.method ?? '', claims.epoch);
  return claims;
}
