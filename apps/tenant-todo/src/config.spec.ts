import { ConfigError, loadConfig, type Environment } from '@app/common/config/load-config';
import { generateKeyPairSync } from 'node:crypto';
import { TenantConfig } from './config';

describe('the configuration of a tenant', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const jwks = (key: typeof publicKey) => JSON.stringify({ keys: [key.export({ format: 'jwk' })] });
  const environment = {
    TENANT_ID: 'user-1',
    APP_NAME: 'todo-user-1',
    TENANT_TOKEN_KEYS: jwks(publicKey),
    DATA_DIR: '/data',
  };

  function problemsOf(env: Environment): readonly string[] {
    try {
      loadConfig(TenantConfig, env);
      return [];
    } catch (error) {
      return (error as ConfigError).problems;
    }
  }

  it('has what the contract promises where nothing else is said', () => {
    expect(loadConfig(TenantConfig, environment)).toMatchObject({
      host: '0.0.0.0',
      port: 3000,
      maxTodos: 10_000,
      maxStorageMb: 500,
    });
  });

  it('names everything that is missing at once', () => {
    const problems = problemsOf({}).join('\n');
    for (const name of ['TENANT_ID', 'APP_NAME', 'TENANT_TOKEN_KEYS', 'DATA_DIR']) expect(problems).toContain(name);
  });

  it.each(['', 'nonsense', '{}', '{"keys":[]}', '{"keys":[1]}'])('refuses the keys %p', (keys) => {
    expect(problemsOf({ ...environment, TENANT_TOKEN_KEYS: keys })).toHaveLength(1);
  });

  it('refuses a private key, which a tenant must never hold', () => {
    expect(problemsOf({ ...environment, TENANT_TOKEN_KEYS: jwks(privateKey) })).toEqual([
      expect.stringContaining('public halves alone'),
    ]);
  });
});
