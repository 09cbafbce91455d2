import { errors, importJWK, jwtVerify, type CryptoKey, type JSONWebKeySet } from 'jose';
import { DomainError } from '../errors/domain-error';
import { systemClock, type Clock } from '../time/clock';
import { TOKEN_ALGORITHM, TOKEN_TYPE, type TenantClaims, type TokenErrorCode } from './claims';

const MAX_REMEMBERED = 256;

export interface TokenVerifier {
  /** Gives the claims of a token that one of the keys signed and that has not expired; throws `DomainError` with a `TokenErrorCode`. */
  verify(token: string): Promise<TenantClaims>;
}

/**
 * Verifies offline, with public keys alone. A verified token is remembered until it expires, because the same one comes with
 * every request for half a minute and verifying costs 120 us. Whose token it is, the caller compares.
 */
export function createTokenVerifier(jwks: JSONWebKeySet, clock: Clock = systemClock): TokenVerifier {
  const keys = new Map(jwks.keys.map((jwk) => [jwk.kid, importJWK(jwk, TOKEN_ALGORITHM)]));
  const verified = new Map<string, TenantClaims>();

  return {
    async verify(token) {
      const known = verified.get(token);
      if (known) {
        if (known.exp * 1000 > clock.now()) return known;
        verified.delete(token);
      }
      const claims = await verifySignature(token, keys, clock);
      if (verified.size >= MAX_REMEMBERED) verified.delete(verified.keys().next().value ?? '');
      verified.set(token, claims);
      return claims;
    },
  };
}

async function verifySignature(
  token: string,
  keys: Map<string | undefined, ReturnType<typeof importJWK>>,
  clock: Clock,
): Promise<TenantClaims> {
  try {
    const { payload } = await jwtVerify(
      token,
      async ({ kid }) => {
        const key = await keys.get(kid);
        if (!key) throw tokenError('unknown_key', 'The token was signed with a key that this machine does not know.');
        return key as CryptoKey; // an OKP key imports as a CryptoKey; bytes come of symmetric keys alone
      },
      {
        algorithms: [TOKEN_ALGORITHM],
        typ: TOKEN_TYPE,
        requiredClaims: ['aud', 'sub', 'dbid', 'epoch', 'iat', 'exp'],
        currentDate: new Date(clock.now()),
      },
    );
    const { aud, sub, dbid, epoch, iat, exp } = payload;
    const areTexts = typeof aud === 'string' && typeof sub === 'string' && typeof dbid === 'string';
    if (!areTexts || !isEpoch(epoch) || !iat || !exp) {
      throw tokenError('token_invalid', 'The token lacks what it has to say.');
    }
    return { aud, sub, dbid, epoch, iat, exp };
  } catch (error) {
    if (error instanceof DomainError) throw error;
    if (error instanceof errors.JWTExpired) {
      throw tokenError('token_expired', 'The token has expired: ask the control plane for a new one.', error);
    }
    throw tokenError('token_invalid', 'This is not a token of the control plane.', error);
  }
}

function isEpoch(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function tokenError(code: TokenErrorCode, message: string, cause?: unknown): DomainError<TokenErrorCode> {
  return new DomainError(code, message, { cause });
}
