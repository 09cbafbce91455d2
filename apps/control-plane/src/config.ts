import {
  ArrayMinSize,
  IsBoolean,
  IsIn,
  IsInt,
  IsNotIn,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  Min,
  MinLength,
} from 'class-validator';
import { join, resolve } from 'node:path';
import { FromEnv } from '@app/common/config/from-env';
import { LOG_LEVELS, type LogLevel } from '@app/common/logging/logger';
import { REGION_CODES, type RegionCode } from './tenants/regions';

export const PLATFORM_NAMES = ['embedded', 'minifly', 'fly'] as const;
export type PlatformName = (typeof PLATFORM_NAMES)[number];

/** The areas of `tenant-todo` under /api/v1, and those of the control plane's own, which no image gets. */
export const DEFAULT_TENANT_PATHS = ['todos', 'events', 'export', 'import', 'usage'];
const OWN_PATHS = [
  'signup',
  'login',
  'logout',
  'me',
  'sessions',
  'tokens',
  'regions',
  'tenant',
  'docs',
  'openapi',
  'admin',
];

/** Everything that can be set. Each variable can also come from the file that `<NAME>_FILE` names. */
export class ControlPlaneConfig {
  /** Port of the pages and the API; 0 takes a free one. */
  @FromEnv('PORT', { parse: 'integer' }) @IsInt() @Min(0) @Max(65535) port = 8080;

  /** Address to listen on; all of the machine's where unset. */
  @FromEnv('HOST') @IsOptional() @IsString() host?: string;

  /** Where people reach the service, when that is not how it listens (a reverse proxy). `https` turns on Secure cookies and HSTS. */
  @FromEnv('PUBLIC_URL')
  @IsOptional()
  @IsUrl({ require_tld: false, require_protocol: true, protocols: ['http', 'https'] })
  publicUrl?: string;

  /** Who may say X-Forwarded-For and X-Forwarded-Proto: addresses or CIDR ranges. */
  @FromEnv('TRUSTED_PROXIES', { parse: 'list' })
  @Matches(/^[0-9a-fA-F:.]+(\/\d{1,3})?$/, {
    each: true,
    message: 'TRUSTED_PROXIES must list addresses or CIDR ranges',
  })
  trustedProxies: string[] = [];

  /** Directory for everything that is kept. */
  @FromEnv('DATA_DIR') @IsString() dataDir = './data';

  /** The control plane's own database: `sqlite:///path` or a path; `control-plane.sqlite` under DATA_DIR where unset. */
  @FromEnv('DATABASE_URL')
  @IsOptional()
  @Matches(/^(sqlite:\/\/.|(?![a-z][a-z0-9+.-]*:\/\/).)/i, { message: 'DATABASE_URL must be sqlite:///path or a path' })
  databaseUrl?: string;

  /** Keys for session ids and tenant tokens. Several by commas: the first signs, all verify. Made once under DATA_DIR where unset. */
  @FromEnv('SESSION_SECRET', { parse: 'list', secret: true })
  @IsOptional()
  @ArrayMinSize(1)
  @MinLength(16, { each: true, message: 'each SESSION_SECRET must be at least 16 characters' })
  sessionSecrets?: string[];

  @FromEnv('LOG_LEVEL') @IsIn(LOG_LEVELS) logLevel: LogLevel = 'info';

  /** Where tenants run. Unset: machines/choose-platform.ts says what follows from the rest. */
  @FromEnv('PLATFORM') @IsOptional() @IsIn(PLATFORM_NAMES) platformName?: PlatformName;

  /** Minifly; with PLATFORM=embedded an embedded platform that was started alone (`npm run minifly`); on Fly where its Machines API is. */
  @FromEnv('MINIFLY_API_URL')
  @IsOptional()
  @IsUrl({ require_tld: false, require_protocol: true, protocols: ['http', 'https'] })
  miniflyApiUrl?: string;

  /** New tenants' databases lie on LiteFS: for the embedded platform, which needs `litefs` and FUSE for it. */
  @FromEnv('EMBEDDED_LITEFS', { parse: 'boolean' }) @IsBoolean() embeddedLitefs = false;

  /** The same on Minifly, which has to be run by `docker/minifly.sh --litefs`: containers need FUSE and a capability for it. */
  @FromEnv('MINIFLY_LITEFS', { parse: 'boolean' }) @IsBoolean() miniflyLitefs = false;

  /** Where the system's programs are: LiteFS is one. */
  @FromEnv('PATH') @IsString() searchPath = '';

  /** In a container on Minifly: the directory of the locator (`docker/minifly.sh`), asked instead of Docker's own socket. */
  @FromEnv('MINIFLY_LOCATOR') @IsOptional() @IsString() miniflyLocator?: string;

  /** A token that may make and delete apps in the organisation (`fly tokens create org`). */
  @FromEnv('FLY_API_TOKEN', { secret: true }) @IsOptional() @IsString() flyApiToken?: string;

  /** Slug of the organisation that tenants' apps are made in. */
  @FromEnv('FLY_ORG')
  @IsOptional()
  @Matches(/^[a-z0-9][a-z0-9-]*$/, { message: 'FLY_ORG must be the slug of an organisation' })
  flyOrg?: string;

  /** Tenants' apps get public addresses, so that who has a direct token reaches a machine past the control plane. */
  @FromEnv('FLY_PUBLIC_TENANTS', { parse: 'boolean' }) @IsBoolean() flyPublicTenants = false;

  /** Set by Fly in each of its machines, and by what speaks its dialect: that we run in one ourselves. */
  @FromEnv('FLY_APP_NAME') @IsOptional() @IsString() flyAppName?: string;

  @FromEnv('FLY_REGION') @IsOptional() @IsString() flyRegion?: string;

  /** Image of a tenant: for the embedded platform a folder under dist/images, else a reference that can be pulled; on Minifly also a bare name. */
  @FromEnv('TENANT_IMAGE') @IsString() tenantImage = 'tenant-todo';

  /** What of the API is the tenant's: `todos` is /api/v1/todos and what lies under it, and reaches the image as /todos. For another image than tenant-todo. */
  @FromEnv('TENANT_PATHS', { parse: 'list' })
  @Matches(/^[a-z][a-z0-9-]*$/, { each: true, message: 'TENANT_PATHS must list single lower-case segments' })
  @IsNotIn(OWN_PATHS, { each: true, message: `TENANT_PATHS must not have ${OWN_PATHS.join(', ')}: they are ours` })
  tenantPaths: string[] = [...DEFAULT_TENANT_PATHS];

  /** Memory of a tenant's machine, MB. */
  @FromEnv('TENANT_MEMORY_MB', { parse: 'integer' }) @IsInt() @Min(128) @Max(65536) tenantMemoryMb = 256;

  /** Size of a tenant's volume, GB. */
  @FromEnv('TENANT_VOLUME_GB', { parse: 'integer' }) @IsInt() @Min(1) @Max(500) tenantVolumeGb = 1;

  /** Regions that are offered at sign-up. */
  @FromEnv('REGIONS', { parse: 'list' })
  @ArrayMinSize(1)
  @IsIn(REGION_CODES, { each: true, message: `REGIONS must be among ${REGION_CODES.join(', ')}` })
  regions: RegionCode[] = [...REGION_CODES];

  /**
   * `from:to`: a region that has no room for a new tenant's volume, and one where it may come to lie instead; the order counts. By default
   * only within the United States and within the European Union. `none`: nowhere.
   */
  @FromEnv('REGION_FALLBACKS', { parse: 'list' })
  @Matches(/^([a-z]{3}:[a-z]{3}|none)$/, { each: true, message: 'REGION_FALLBACKS must list pairs such as fra:ams' })
  regionFallbacks: string[] = ['iad:ord', 'iad:lax', 'ord:iad', 'ord:lax', 'lax:ord', 'lax:iad', 'ams:fra', 'fra:ams'];

  /** How an idle tenant rests. A suspended machine may start faster, with the memory that it had; see docs/DEPLOY-FLY.md. */
  @FromEnv('IDLE_BY') @IsIn(['stop', 'suspend']) idleBy: 'stop' | 'suspend' = 'stop';

  /** A tenant with nothing open is stopped after so many seconds; 0 never stops one. */
  @FromEnv('IDLE_STOP_SECONDS', { parse: 'integer' }) @IsInt() @Min(0) @Max(86_400) idleStopSeconds = 300;

  /** How long a request waits for its tenant to wake before it gets 503. */
  @FromEnv('WAKE_HOLD_SECONDS', { parse: 'integer' }) @IsInt() @Min(1) @Max(300) wakeHoldSeconds = 30;

  /** How many requests of one tenant wait at once; further ones get 503. */
  @FromEnv('WAKE_HOLD_REQUESTS', { parse: 'integer' }) @IsInt() @Min(1) @Max(10_000) wakeHoldRequests = 100;

  /** Provisioning that the platform keeps refusing is given up after so many seconds, with its reason and a retry button. */
  @FromEnv('PROVISION_DEADLINE_SECONDS', { parse: 'integer' }) @IsInt() @Min(5) @Max(86_400) provisionDeadlineSeconds =
    300;

  /** A machine that the platform does not know is believed gone after three looks over so many seconds. */
  @FromEnv('MACHINE_GONE_SECONDS', { parse: 'integer' }) @IsInt() @Min(1) @Max(3600) machineGoneSeconds = 120;

  /** Wrong passwords for one account from one address in 15 minutes (ten times as many for the address in all); 0: no limit. */
  @FromEnv('LOGIN_LIMIT', { parse: 'integer' }) @IsInt() @Min(0) loginLimit = 10;

  /** Sign-ups from one address in an hour; 0: no limit. */
  @FromEnv('SIGNUP_LIMIT', { parse: 'integer' }) @IsInt() @Min(0) signupLimit = 100;

  /** A session ends when it was not used for so long. */
  @FromEnv('SESSION_IDLE_HOURS', { parse: 'integer' }) @IsInt() @Min(1) sessionIdleHours = 14 * 24;

  /** A session ends so long after the login, used or not. */
  @FromEnv('SESSION_MAX_HOURS', { parse: 'integer' }) @IsInt() @Min(1) sessionMaxHours = 90 * 24;
}

/** What a new tenant's volume is to hold. One that is there already stays what it is. */
export function volumeKindOf(config: Readonly<ControlPlaneConfig>): 'plain' | 'litefs' {
  return config.embeddedLitefs || config.miniflyLitefs ? 'litefs' : 'plain';
}

/** The file that holds the control plane's database. */
export function databaseFile(config: Readonly<ControlPlaneConfig>): string {
  const url = config.databaseUrl ?? join(config.dataDir, 'control-plane.sqlite');
  return resolve(url.replace(/^sqlite:\/\//i, ''));
}

/** True where people reach the service over HTTPS, whatever the last hop is. */
export function isPublicHttps(config: Readonly<ControlPlaneConfig>): boolean {
  return config.publicUrl?.startsWith('https:') ?? false;
}
