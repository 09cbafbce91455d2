import { createTokenSigner } from '@app/common/tenant-token/sign';
import type { TenantClaims } from '@app/common/tenant-token/claims';
import { createLogger } from '@app/common/logging/logger';
import { listen } from '@app/common/http/listen';
import { loadConfig, type Environment } from '@app/common/config/load-config';
import type { Clock } from '@app/common/time/clock';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { litefsOf, TenantConfig } from '../src/config';
import { TenantDatabase } from '../src/database/tenant-database';
import { Metrics } from '../src/health/metrics';
import { Readiness } from '../src/health/readiness';
import { createTenantServer } from '../src/tenant-server';

export const TENANT_ID = '0f0e0d0c-0000-4000-8000-000000000001';
export const APP_NAME = 'todo-user-0f0e0d0c';
export const signer = createTokenSigner(['a secret of the control plane']);

export interface RunningTenant {
  url: string;
  port: number;
  dataDir: string;
  databaseId: string;
  database: TenantDatabase;
  logLines: string[];
  /** How often it said that a higher epoch had taken over. */
  supersededTimes: number;
  /** A good token, unless a claim is given. */
  token(claims?: Partial<TenantClaims>): Promise<string>;
  /** `fetch` with a good token. */
  send(path: string, init?: RequestInit): Promise<Response>;
  sendJson(method: string, path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

const stillOpen = new Set<RunningTenant>();

// A test that failed leaves its tenant open, and Jest would wait for it for ever.
afterAll(async () => {
  for (const tenant of stillOpen) await tenant.close();
});

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'tenant-todo-'));
}

export function tenantEnvironment(dataDir: string, overrides: Environment = {}): Environment {
  return {
    TENANT_ID,
    APP_NAME,
    TENANT_TOKEN_KEYS: JSON.stringify(signer.publicJwks()),
    DATA_DIR: dataDir,
    HOST: '127.0.0.1',
    PORT: '0',
    ...overrides,
  };
}

export function tokenFor(databaseId: string, claims: Partial<TenantClaims> = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return signer.sign({ aud: APP_NAME, sub: TENANT_ID, dbid: databaseId, epoch: 1, iat: now, exp: now + 60, ...claims });
}

/** The app as `main.ts` puts it together, on a port of its own and a temporary directory that goes with it. */
export async function startTenant(
  options: { env?: Environment; clock?: Clock; dataDir?: string } = {},
): Promise<RunningTenant> {
  const dataDir = options.dataDir ?? temporaryDirectory();
  const config = loadConfig(TenantConfig, tenantEnvironment(dataDir, options.env));
  const database = TenantDatabase.open({ dataDir, tenantId: config.tenantId, litefs: litefsOf(config) });
  const logLines: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      logLines.push(chunk.toString());
      done();
    },
  });
  const parts = {
    config,
    database,
    log: createLogger({ app: 'tenant-todo', level: 'info', base: { tenant: config.tenantId } }, sink),
    clock: options.clock ?? { now: () => Date.now() },
    metrics: new Metrics(),
    readiness: new Readiness(),
  };
  const running = await createTenantServer(parts, () => (tenant.supersededTimes += 1));
  const { port } = await listen(running.server, 0, '127.0.0.1');
  const url = `http://127.0.0.1:${port}`;
  const token = (claims?: Partial<TenantClaims>) => tokenFor(database.databaseId, claims);
  const send = async (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has('authorization')) headers.set('authorization', `Bearer ${await token()}`);
    return fetch(url + path, { ...init, headers });
  };
  const tenant: RunningTenant = {
    url,
    port,
    dataDir,
    databaseId: database.databaseId,
    database,
    logLines,
    supersededTimes: 0,
    token,
    send,
    sendJson: (method, path, body, headers = {}) =>
      send(path, { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }),
    close: async () => {
      stillOpen.delete(tenant);
      await running.drain(1000);
      database.close();
      if (!options.dataDir) rmSync(dataDir, { recursive: true, force: true });
    },
  };
  stillOpen.add(tenant);
  return tenant;
}
