// A control plane's key as far as a tenant sees it; docs/TENANT-CONTRACT.md, "Access".
import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const kid = 'test';

/** A tenant's environment, as the control plane gives it to a machine. */
export function tenantEnv(tenantId, appName) {
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid }];
  return { TENANT_ID: tenantId, APP_NAME: appName, TENANT_TOKEN_KEYS: JSON.stringify({ keys }) };
}

/** A token for one tenant's database, good for a minute. */
export function tenantToken({ tenantId, appName, databaseId }) {
  return new SignJWT({ dbid: databaseId, epoch: 1 })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'tenant+jwt', kid })
    .setAudience(appName)
    .setSubject(tenantId)
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(privateKey);
}
