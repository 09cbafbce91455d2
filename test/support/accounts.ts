import { createLogger, type Logger } from '@app/common/logging/logger';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { AccountsService } from '../../apps/control-plane/src/accounts/accounts.service';
import { ApiTokensService } from '../../apps/control-plane/src/accounts/api-tokens.service';
import { LoginThrottle } from '../../apps/control-plane/src/accounts/login-throttle';
import { PasswordHasher } from '../../apps/control-plane/src/accounts/password-hasher';
import { SessionsService } from '../../apps/control-plane/src/accounts/sessions.service';
import type { SignInOrigin } from '../../apps/control-plane/src/accounts/sign-in-origin';
import { ControlPlaneConfig } from '../../apps/control-plane/src/config';
import { openDatabase } from '../../apps/control-plane/src/database/open-database';
import { TenantsService } from '../../apps/control-plane/src/tenants/tenants.service';
import { TimelineService } from '../../apps/control-plane/src/tenants/timeline.service';

export const START = Date.parse('2026-01-05T10:00:00Z');

/** A clock that stands still until it is told to go on. */
export class StandingClock {
  constructor(private at = START) {}

  now(): number {
    return this.at;
  }

  advance(ms: number): void {
    this.at += ms;
  }
}

export const silentLog: Logger = createLogger({ app: 'test', level: 'silent' });

export const testConfig = (overrides: Partial<ControlPlaneConfig> = {}): ControlPlaneConfig =>
  Object.assign(new ControlPlaneConfig(), overrides);

/** A new database file with the real migrations. The caller closes it with `destroy`. */
export const openTestDatabase = (): Promise<DataSource> =>
  openDatabase(join(mkdtempSync(join(tmpdir(), 'control-plane-')), 'control-plane.sqlite'));

export interface TestAccounts {
  dataSource: DataSource;
  clock: StandingClock;
  accounts: AccountsService;
  sessions: SessionsService;
  tokens: ApiTokensService;
  tenants: TenantsService;
  hasher: PasswordHasher;
  /** Another process, or this one after a restart, over the same database. */
  anotherTokens(secrets: readonly [string, ...string[]]): ApiTokensService;
  anotherSessions(secrets: readonly [string, ...string[]]): SessionsService;
}

export async function testAccounts(overrides: Partial<ControlPlaneConfig> = {}): Promise<TestAccounts> {
  const dataSource = await openTestDatabase();
  const clock = new StandingClock();
  const config = testConfig(overrides);
  const tenants = new TenantsService(dataSource, Object.assign(new TimelineService(dataSource), { clock }));
  const anotherSessions = (secrets: readonly [string, ...string[]]) =>
    new SessionsService(dataSource, config, clock, secrets, silentLog);
  const sessions = anotherSessions(['a secret of the tests']);
  const anotherTokens = (secrets: readonly [string, ...string[]]) =>
    new ApiTokensService(dataSource, clock, secrets, silentLog, tenants);
  const tokens = anotherTokens(['a secret of the tests']);
  const hasher = new PasswordHasher();
  await hasher.onModuleInit();
  const throttle = new LoginThrottle(config, clock);
  const accounts = new AccountsService(dataSource, config, clock, tenants, sessions, tokens, hasher, throttle);
  return { dataSource, clock, accounts, sessions, tokens, tenants, hasher, anotherSessions, anotherTokens };
}

export const from = (overrides: Partial<SignInOrigin> = {}): SignInOrigin => ({
  address: '192.0.2.1',
  userAgent: 'a browser',
  ...overrides,
});

/** Counts the rows of each table, to see that nothing is left or everything is there. */
export async function rowCounts(dataSource: DataSource): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of ['users', 'sessions', 'tenants', 'user_apps', 'events']) {
    const [row] = await dataSource.query<{ n: number }[]>(`SELECT count(*) AS n FROM ${table}`);
    counts[table] = row?.n ?? -1;
  }
  return counts;
}
