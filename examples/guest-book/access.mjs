import { createPublicKey, verify } from 'node:crypto';
import { config } from './config.mjs';

const keys = new Map(config.jwks.keys.map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: 'jwk' })]));

/** Why a request is not let in: a status, a code and a sentence of docs/TENANT-CONTRACT.md. */
export class Refusal extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/**
 * Checks a request's `Authorization` header, offline, and gives the token's claims; throws a `Refusal`. To be called before a byte of the
 * body is read. A real image remembers a token that it has verified: the same one comes for half a minute.
 */
export function letIn(authorization, databaseId) {
  const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
  if (!token) throw new Refusal(401, 'token_missing', 'A tenant token is needed.');
  const claims = claimsOf(token);
  if (claims.exp * 1000 <= Date.now()) throw new Refusal(401, 'token_expired', 'The token has expired.');
  const isForUs = claims.aud === config.appName && claims.sub === config.tenantId && claims.dbid === databaseId;
  if (!isForUs) throw new Refusal(421, 'wrong_tenant', 'The token is for another app.');
  if (claims.epoch !== config.epoch) {
    const refusal = new Refusal(421, 'wrong_epoch', 'The token is of another epoch.');
    refusal.isSuperseded = claims.epoch > config.epoch;
    throw refusal;
  }
  return claims;
}

function claimsOf(token) {
  const invalid = () => new Refusal(401, 'token_invalid', 'This is not a token of the control plane.');
  const [head, body, signature, ...rest] = token.split('.');
  if (!signature || rest.length > 0) throw invalid();
  let header;
  let claims;
  try {
    header = JSON.parse(Buffer.from(head, 'base64url').toString());
    claims = JSON.parse(Buffer.from(body, 'base64url').toString());
  } catch {
    throw invalid();
  }
  if (header?.alg !== 'EdDSA' || header.typ !== 'tenant+jwt') throw invalid(); // whatever else the header says
  const key = keys.get(header.kid);
  if (!key) throw new Refusal(401, 'unknown_key', 'The token was signed with a key that is not known here.');
  if (!verify(null, Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))) throw invalid();
  if (!Number.isSafeInteger(claims?.exp) || !Number.isSafeInteger(claims.iat)) throw invalid();
  return claims;
}
