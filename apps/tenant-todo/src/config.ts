import { FromEnv } from '@app/common/config/from-env';
import { LOG_LEVELS, type LogLevel } from '@app/common/logging/logger';
import { IsIn, IsInt, IsNotEmpty, Matches, Max, Min, ValidateBy, ValidateIf } from 'class-validator';
import type { JSONWebKeySet } from 'jose';
import type { Role } from './access/tenure';

/** What the machine's environment says; the names are part of docs/TENANT-CONTRACT.md. Holds no secret. */
export class TenantConfig {
  /** Whose to-dos these are: the user's id, which a token names as `sub`. */
  @FromEnv('TENANT_ID')
  @IsNotEmpty({ message: 'TENANT_ID should be the id of the user whose app this is' })
  tenantId = '';

  /** This app's name, which a token names as `aud`. */
  @FromEnv('APP_NAME')
  @Matches(/^[a-z0-9][a-z0-9-]{0,62}$/, { message: 'APP_NAME should be an app name (a-z, 0-9, -)' })
  appName = '';

  /** The control plane's public keys, a JWK set as JSON. */
  @FromEnv('TENANT_TOKEN_KEYS')
  @ValidateBy({
    name: 'isPublicJwks',
    validator: {
      validate: isPublicJwks,
      defaultMessage: () => 'TENANT_TOKEN_KEYS should be a JWK set as JSON with at least one key, public halves alone',
    },
  })
  tokenKeys = '';

  /** The directory of the volume. */
  @FromEnv('DATA_DIR')
  @IsNotEmpty({ message: "DATA_DIR should be the volume's directory" })
  dataDir = '';

  /** A token of another epoch is refused; see docs/TENANT-CONTRACT.md. */
  @FromEnv('TENANT_EPOCH', { parse: 'integer' })
  @IsInt()
  @Min(1)
  epoch = 1;

  /** `static` where the database lies on LiteFS; empty: in DATA_DIR itself. */
  @FromEnv('LITEFS_LEASE')
  @IsIn(['', 'static'], { message: 'LITEFS_LEASE should be static, or not set' })
  litefsLease: '' | 'static' = '';

  /** Where LiteFS is mounted. */
  @FromEnv('LITEFS_DIR')
  @ValidateIf((config: TenantConfig) => config.litefsLease !== '')
  @IsNotEmpty({ message: 'LITEFS_DIR should be the directory where LiteFS is mounted, because LITEFS_LEASE is set' })
  litefsDir = '';

  /** A replica is read-only, and there is none without LiteFS. */
  @FromEnv('LITEFS_ROLE')
  @ValidateBy({
    name: 'isRole',
    validator: {
      validate: (role, args) =>
        role === 'primary' || (role === 'replica' && (args?.object as TenantConfig).litefsLease !== ''),
      defaultMessage: () => 'LITEFS_ROLE should be primary, or replica where LITEFS_LEASE is set',
    },
  })
  role: Role = 'primary';

  @FromEnv('HOST')
  @IsNotEmpty()
  host = '0.0.0.0';

  /** 0 takes a free port. */
  @FromEnv('PORT', { parse: 'integer' })
  @IsInt()
  @Min(0)
  @Max(65535)
  port = 3000;

  @FromEnv('LOG_LEVEL')
  @IsIn(LOG_LEVELS)
  logLevel: LogLevel = 'info';

  /** How many to-dos there may be. */
  @FromEnv('MAX_TODOS', { parse: 'integer' })
  @IsInt()
  @Min(1)
  maxTodos = 10_000;

  /** How much of the volume the database may fill, in MiB. */
  @FromEnv('MAX_STORAGE_MB', { parse: 'integer' })
  @IsInt()
  @Min(1)
  maxStorageMb = 500;
}

/** Null on a plain directory. */
export function litefsOf(config: TenantConfig): { dir: string; role: Role } | null {
  return config.litefsLease === '' ? null : { dir: config.litefsDir, role: config.role };
}

/** `tokenKeys` was checked when the configuration was loaded. */
export function publicKeysOf(config: TenantConfig): JSONWebKeySet {
  return JSON.parse(config.tokenKeys) as JSONWebKeySet;
}

function isPublicJwks(text: unknown): boolean {
  try {
    const { keys } = JSON.parse(String(text)) as { keys: unknown };
    // A private half has no business in a tenant, which may run somebody else's code.
    return Array.isArray(keys) && keys.length > 0 && keys.every((key: object) => 'kty' in key && !('d' in key));
  } catch {
    return false;
  }
}
