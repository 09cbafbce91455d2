import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';
import { SignJWT, type JSONWebKeySet, type JWK } from 'jose';
import { TOKEN_ALGORITHM, TOKEN_TYPE, type TenantClaims } from './claims';

/** PKCS #8 in front of a 32-byte Ed25519 seed (RFC 8410, section 7). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface TokenSigner {
  /** The public halves of all keys, for tenants to verify with. Holds nothing secret. */
  publicJwks(): JSONWebKeySet;
  /** The id of the key that signs now. */
  readonly keyId: string;
  sign(claims: TenantClaims): Promise<string>;
}

/** Derives one Ed25519 key from each secret by HKDF; the first signs, all are offered for verification. Nothing is stored. */
export function createTokenSigner(secrets: readonly [string, ...string[]]): TokenSigner {
  const [first, ...rest] = secrets;
  const current = deriveKey(first);
  const keys = [current, ...rest.map(deriveKey)].map(({ jwk }) => jwk);
  return {
    keyId: current.keyId,
    publicJwks: () => ({ keys }),
    sign: ({ aud, sub, dbid, epoch, iat, exp }) =>
      new SignJWT({ dbid, epoch })
        .setProtectedHeader({ alg: TOKEN_ALGORITHM, typ: TOKEN_TYPE, kid: current.keyId })
        .setAudience(aud)
        .setSubject(sub)
        .setIssuedAt(iat)
        .setExpirationTime(exp)
        .sign(current.privateKey),
  };
}

function deriveKey(secret: string): { privateKey: KeyObject; keyId: string; jwk: JWK } {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'tenant-token ed25519 seed', 32));
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
  const { kty, crv, x } = createPublicKey(privateKey).export({ format: 'jwk' });
  const keyId = createHash('sha256').update(String(x)).digest('hex').slice(0, 16);
  return { privateKey, keyId, jwk: { kty: kty ?? 'OKP', crv, x, kid: keyId, alg: TOKEN_ALGORITHM, use: 'sig' } };
}
