const { TENANT_ID, APP_NAME, TENANT_TOKEN_KEYS, DATA_DIR, HOST, PORT, TENANT_EPOCH, LITEFS_LEASE } = process.env;

const problems = [];
for (const [name, value] of Object.entries({ TENANT_ID, APP_NAME, TENANT_TOKEN_KEYS, DATA_DIR })) {
  if (!value) problems.push(`${name} is missing.`);
}
if (LITEFS_LEASE) problems.push('LITEFS_LEASE is set, and this image does not run on LiteFS.');
const epoch = Number(TENANT_EPOCH ?? 1);
if (!Number.isSafeInteger(epoch) || epoch < 1) problems.push('TENANT_EPOCH must be a whole number, 1 or more.');
const port = Number(PORT ?? 3000);
if (!Number.isSafeInteger(port) || port < 0 || port > 65535) problems.push('PORT must be a port.');
let jwks = { keys: [] };
try {
  jwks = JSON.parse(TENANT_TOKEN_KEYS ?? '{"keys":[]}');
  if (!Array.isArray(jwks.keys)) throw new Error('no list of keys');
} catch {
  problems.push('TENANT_TOKEN_KEYS must be a JWK set.');
}
if (problems.length > 0) fail(problems.join('\n'));

/** Ends the program with a sentence. */
export function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

export const config = {
  tenantId: TENANT_ID,
  appName: APP_NAME,
  jwks,
  dataDir: DATA_DIR,
  host: HOST ?? '0.0.0.0',
  port,
  epoch,
};
