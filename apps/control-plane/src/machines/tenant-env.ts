import type { JSONWebKeySet } from 'jose';
import type { LogLevel } from '@app/common/logging/logger';

/** Where a tenant's volume is mounted. */
export const MOUNT_PATH = '/data';
/** Where a tenant's app listens inside its machine. */
export const TENANT_PORT = 3000;

/** A machine's environment, as docs/TENANT-CONTRACT.md promises it. Public keys only: nothing in it is secret. */
export function tenantEnv(tenant: {
  tenantId: string;
  appName: string;
  jwks: JSONWebKeySet;
  logLevel: LogLevel;
}): Record<string, string> {
  return {
    TENANT_ID: tenant.tenantId,
    APP_NAME: tenant.appName,
    TENANT_TOKEN_KEYS: JSON.stringify(tenant.jwks),
    DATA_DIR: MOUNT_PATH,
    LOG_LEVEL: tenant.logLevel,
    NODE_ENV: 'production',
  };
}

/** True when the machine was configured with other keys than those that sign now, and would refuse every token. */
export function lacksCurrentKeys(env: Record<string, string>, jwks: JSONWebKeySet): boolean {
  return env['TENANT_TOKEN_KEYS'] !== JSON.stringify(jwks);
}
