import { ConfigError } from '@app/common/config/load-config';
import { requireLitefs } from '@app/common/litefs/require-litefs';
import type { Logger } from '@app/common/logging/logger';
import { FlyPlatform } from '@app/minifly-client/fly-platform';
import { Flycast } from '@app/minifly-client/flycast';
import { MachinesClient } from '@app/minifly-client/machines-client';
import type { Platform } from '@app/minifly-client/platform';
import { RateLimits } from '@app/minifly-client/rate-limits';
import { join, resolve } from 'node:path';
import type { DataSource } from 'typeorm';
import type { ControlPlaneConfig, PlatformName } from '../config';
import { EmbeddedProcess, findPlatformProgram } from './embedded-process';
import { miniflyTenants } from './minifly-tenants';

type Config = Readonly<ControlPlaneConfig>;

/** The place where tenants run, with what has to be started before it is asked and ended after. */
export interface ChosenPlatform {
  platform: Platform;
  start: () => Promise<void>;
  close: () => Promise<void>;
}

export interface PlatformTools {
  log: Logger;
  /** The control plane's own database, for what Minifly does not keep. */
  dataSource: DataSource;
  /** The platform was away by itself and is back. */
  onReturn: () => void;
}

/** Means nothing to the embedded platform, which has one organisation. */
const EMBEDDED_ORG = 'personal';
const FLY_API_URL = 'https://api.machines.dev';
/** A shared machine of Fly has 256 to 2048 MB for each of 1 to 8 CPUs, in steps of 256. */
const FLY_MEMORY_STEP_MB = 256;
const FLY_MEMORY_MOST_MB = 8 * 2048;

/** The one place that knows which platform it is. */
export function choosePlatform(config: Config, tools: PlatformTools): ChosenPlatform | Promise<ChosenPlatform> {
  const name = platformOf(config);
  switch (name) {
    case 'embedded':
      return config.miniflyApiUrl ? embeddedApart(config, config.miniflyApiUrl) : embedded(config, tools);
    case 'minifly':
      return miniflyTenants(config, tools);
    case 'fly':
      return fly(config);
    default:
      return name satisfies never;
  }
}

/** The configuration, or a `ConfigError` with everything that the platform which follows from it lacks. */
export function requirePlatform(config: Config): Config {
  // An URL alone chooses nothing there: fly.toml names Minifly's, for where that is.
  if (!config.platformName && !config.flyApiToken && runsOnFly(config)) {
    const text =
      'PLATFORM is not set, and this runs on Fly: tenants would run unseen inside this very machine. Set FLY_API_TOKEN and FLY_ORG to give ' +
      'each a machine of its own, or PLATFORM=embedded if that is meant.';
    throw new ConfigError([text]);
  }
  const name = platformOf(config);
  const problems = name === 'fly' ? flyProblems(config) : [];
  if (config.embeddedLitefs && name !== 'embedded') {
    problems.push(`EMBEDDED_LITEFS is for the embedded platform alone; the platform is ${name}.`);
  }
  if (config.miniflyLitefs && name !== 'minifly') {
    problems.push(`MINIFLY_LITEFS is for Minifly alone; the platform is ${name}.`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** The platform that is named, else the one that the other variables speak of. */
export function platformOf(config: Config): PlatformName {
  if (config.platformName) return config.platformName;
  if (config.flyApiToken) return 'fly';
  return config.miniflyApiUrl ? 'minifly' : 'embedded';
}

/** Whoever speaks Fly's dialect on a developer's machine sets the variables too, with a region of that name. */
function runsOnFly({ flyAppName, flyRegion }: Config): boolean {
  return flyAppName !== undefined && flyRegion !== 'local';
}

function flyProblems({ flyApiToken, flyOrg, tenantImage, tenantMemoryMb }: Config): string[] {
  const problems: string[] = [];
  if (!flyApiToken) problems.push('FLY_API_TOKEN must be set for PLATFORM=fly; `fly tokens create org` makes one.');
  if (!flyOrg) problems.push('FLY_ORG must be the slug of the organisation that tenants run in; it is not set.');
  if (!/^[^/]+\.[^/]+\/./.test(tenantImage)) {
    problems.push(
      `TENANT_IMAGE must name an image in a registry, such as registry.fly.io/todo-tenant@sha256:…; it is ${JSON.stringify(tenantImage)}.`,
    );
  }
  if (tenantMemoryMb % FLY_MEMORY_STEP_MB !== 0 || tenantMemoryMb > FLY_MEMORY_MOST_MB) {
    problems.push(
      `TENANT_MEMORY_MB must be a multiple of ${FLY_MEMORY_STEP_MB} up to ${FLY_MEMORY_MOST_MB} on Fly; it is ${tenantMemoryMb}.`,
    );
  }
  return problems;
}

/** A process of our own, started and ended with us. Throws `LitefsUnavailableError` where tenants are to be on LiteFS and cannot. */
function embedded(config: Config, { log, onReturn }: PlatformTools): ChosenPlatform {
  const { litefsFolder, ...program } = findPlatformProgram(__dirname);
  if (config.embeddedLitefs) requireLitefs(config.searchPath);
  const child = new EmbeddedProcess({
    ...program,
    litefs: config.embeddedLitefs ? { folder: litefsFolder, searchPath: config.searchPath } : null,
    stateDir: resolve(join(config.dataDir, 'embedded')),
    logLevel: config.logLevel,
    log,
    onReturn,
  });
  const { platform, close } = embeddedApart(config, child.socketPath);
  return {
    platform,
    start: () => child.start(),
    close: async () => {
      await close();
      await child.stop();
    },
  };
}

/** One that runs already: an URL, or the path of its socket. */
function embeddedApart({ idleBy }: Config, baseUrl: string): ChosenPlatform {
  const client = new MachinesClient({ baseUrl });
  return {
    platform: new FlyPlatform({ client, orgSlug: EMBEDDED_ORG, rest: idleBy }),
    start: () => Promise.resolve(),
    close: () => client.close(),
  };
}

function fly({ miniflyApiUrl, flyApiToken = '', flyOrg = '', idleBy, ...config }: Config): ChosenPlatform {
  const baseUrl = miniflyApiUrl ?? FLY_API_URL;
  const client = new MachinesClient({ baseUrl, token: flyApiToken, limits: new RateLimits() });
  const platform = new FlyPlatform({
    client,
    orgSlug: flyOrg,
    reach: new Flycast({ client, isPublic: config.flyPublicTenants }),
    fallbackRegions: fallbacksOf(config.regionFallbacks),
    rest: idleBy,
  });
  return { platform, start: () => Promise.resolve(), close: () => client.close() };
}

function fallbacksOf(pairs: readonly string[]): Record<string, string[]> {
  const fallbacks: Record<string, string[]> = {};
  for (const pair of pairs) {
    const [from = '', to] = pair.split(':');
    if (to !== undefined) (fallbacks[from] ??= []).push(to);
  }
  return fallbacks;
}
