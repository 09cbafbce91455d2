import 'reflect-metadata';
import { exitOnBadConfig, loadConfig } from '@app/common/config/load-config';
import { listen, ListenError } from '@app/common/http/listen';
import { onShutdown } from '@app/common/lifecycle/shutdown';
import { createLogger } from '@app/common/logging/logger';
import { systemClock } from '@app/common/time/clock';
import { litefsOf, TenantConfig } from './config';
import { TenantDatabase } from './database/tenant-database';
import { VolumeError } from './database/volume-error';
import { Metrics } from './health/metrics';
import { Readiness } from './health/readiness';
import { createTenantServer } from './tenant-server';

/** What runs may run on for so long after SIGTERM or SIGINT: platforms kill after 5 s where nobody says otherwise. */
const DRAIN_MS = 4_000;
const SHUTDOWN_DEADLINE_MS = 4_800;

async function start(): Promise<void> {
  const config = exitOnBadConfig(() => loadConfig(TenantConfig, process.env));
  const log = createLogger({ app: 'tenant-todo', level: config.logLevel, base: { tenant: config.tenantId } });
  const database = TenantDatabase.open({
    dataDir: config.dataDir,
    tenantId: config.tenantId,
    litefs: litefsOf(config),
  });
  const readiness = new Readiness();
  let shutdown: (reason: string) => void = () => undefined;
  const tenant = await createTenantServer(
    { config, database, log, readiness, clock: systemClock, metrics: new Metrics() },
    () => shutdown('a token of a higher epoch'),
  );
  shutdown = onShutdown(log, SHUTDOWN_DEADLINE_MS, [
    { name: 'not ready', run: () => void (readiness.isDraining = true) },
    { name: 'requests', run: () => tenant.drain(DRAIN_MS) },
    { name: 'database', run: () => database.close() },
  ]);
  const { address, port } = await listen(tenant.server, config.port, config.host);
  log.info({ address, port, databaseId: database.databaseId, ms: Math.round(performance.now()) }, 'tenant.listening');
}

start().catch((error: unknown) => {
  const isExpected = error instanceof VolumeError || error instanceof ListenError;
  process.stderr.write(`${isExpected ? error.message : (error as Error).stack}\n`);
  process.exit(1);
});
