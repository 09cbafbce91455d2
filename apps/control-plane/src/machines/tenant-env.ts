import type { JSONWebKeySet } from 'jose';
import type { LogLevel } from '@app/common/logging/logger';
import type { AppRole, VolumeKind } from '../tenants/user-app.entity';

/** Where a tenant's volume is mounted. */
export const MOUNT_PATH = '/data';
/** Where a tenant's app listens inside its machine. */
export const TENANT_PORT = 3000;

/** Where LiteFS is mounted, and where it listens for the tenant's other machines. */
const LITEFS_DIR = '/litefs';
export const LITEFS_PORT = 20202;

/** A machine's environment, as docs/TENANT-CONTRACT.md promises it. Public keys only: nothing in it is secret. */
export function tenantEnv(tenant: {
  tenantId: string;
  appName: string;
  jwks: JSONWebKeySet;
  logLevel: LogLevel;
  epoch: number;
  role: AppRole;
  volumeKind: VolumeKind;
  /** The primary's machine, by name and by its LiteFS's URL. */
  primary: { name: string; url: string };
}): Record<string, string> {
  return {
    TENANT_ID: tenant.tenantId,
    APP_NAME: tenant.appName,
    TENANT_TOKEN_KEYS: JSON.stringify(tenant.jwks),
    DATA_DIR: MOUNT_PATH,
    LOG_LEVEL: tenant.logLevel,
    NODE_ENV: 'production',
    TENANT_EPOCH: String(tenant.epoch),
    ...(tenant.volumeKind === 'litefs' ? litefsEnv(tenant) : {}),
  };
}

/** Everything that docker/litefs.yml wants to know. A value that is empty would mean LiteFS's default, which is primary. */
function litefsEnv({ role, primary }: { role: AppRole; primary: { name: string; url: string } }) {
  return {
    LITEFS_LEASE: 'static',
    LITEFS_ROLE: role,
    LITEFS_HOSTNAME: primary.name,
    LITEFS_ADVERTISE_URL: primary.url,
    LITEFS_DIR,
    LITEFS_DATA_DIR: `${MOUNT_PATH}/litefs`,
    LITEFS_HTTP_ADDR: `:${LITEFS_PORT}`,
  };
}

/** The name of an app's machine in its region. */
export const machineNameOf = (app: { appName: string; region: string }) => `${app.appName}-${app.region}`;

/** The URL that a primary gives for itself; it never asks there. */
export const OWN_LITEFS_URL = `http://localhost:${LITEFS_PORT}`;

/** True when the machine was configured for another role or epoch; one from before there were epochs is of the first. */
export function isOfAnotherEpoch(env: Record<string, string>, app: { role: AppRole; epoch: number }): boolean {
  return (env['TENANT_EPOCH'] ?? '1') !== String(app.epoch) || (env['LITEFS_ROLE'] ?? 'primary') !== app.role;
}

/** True when the machine was configured with other keys than those that sign now, and would refuse every token. */
export function lacksCurrentKeys(env: Record<string, string>, jwks: JSONWebKeySet): boolean {
  return env['TENANT_TOKEN_KEYS'] !== JSON.stringify(jwks);
}
