import 'reflect-metadata';
import { exitOnBadConfig, loadConfig, withEnvFile } from '@app/common/config/load-config';
import { ListenError, toListenError } from '@app/common/http/listen';
import { onShutdown } from '@app/common/lifecycle/shutdown';
import { LitefsUnavailableError } from '@app/common/litefs/require-litefs';
import { createLogger } from '@app/common/logging/logger';
import { waitForLock, type FileLock } from '@app/common/sqlite/lock';
import { systemClock } from '@app/common/time/clock';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { AppModule } from './app.module';
import { ControlPlaneConfig, databaseFile } from './config';
import { openDatabase } from './database/open-database';
import { FrontDoorAdapter } from './front-door/front-door-adapter';
import { requirePlatform } from './machines/choose-platform';
import { NestLogger } from './nest-logger';
import { sessionSecrets } from './session-secrets';

const SHUTDOWN_DEADLINE_MS = 25_000;

/** The one place that joins: configuration, lock, database, application, port, and the way back. */
async function main(): Promise<void> {
  const config = exitOnBadConfig(() =>
    requirePlatform(loadConfig(ControlPlaneConfig, withEnvFile('.env', process.env))),
  );
  const log = createLogger({ app: 'control-plane', level: config.logLevel });
  mkdirSync(config.dataDir, { recursive: true });
  mkdirSync(dirname(databaseFile(config)), { recursive: true });
  const lock = await ownDatabase(config);
  const secrets = sessionSecrets(config);
  const dataSource = await openDatabase(databaseFile(config));
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.with({ config, log, clock: systemClock, secrets, dataSource }),
    new FrontDoorAdapter(),
    { logger: new NestLogger(log), abortOnError: false },
  );
  const close = async () => {
    await app.close();
    await dataSource.destroy();
    lock.release();
  };
  onShutdown(log, SHUTDOWN_DEADLINE_MS, [{ name: 'application', run: close }]);
  try {
    await (config.host ? app.listen(config.port, config.host) : app.listen(config.port));
  } catch (error) {
    await close();
    throw toListenError(error as NodeJS.ErrnoException, config.port, config.host);
  }
  say(`To-do is at ${urlOf(app, config)} - open it in a browser. Ctrl-C ends it.`);
}

/** Where somebody at this machine, or behind the reverse proxy, opens it. */
function urlOf(app: NestExpressApplication, config: Readonly<ControlPlaneConfig>): string {
  if (config.publicUrl) return config.publicUrl;
  const { address, family, port } = (app.getHttpServer() as { address(): AddressInfo }).address(); // it listens on TCP
  if (address === '::' || address === '0.0.0.0') return `http://localhost:${port}`;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** Waits, and says so once, while another control plane has this database. */
function ownDatabase(config: Readonly<ControlPlaneConfig>): Promise<FileLock> {
  const file = databaseFile(config);
  return waitForLock(`${file}.lock`, {
    onWait: () => say(`Another control plane has ${file}; waiting for its end to take over.`),
  });
}

function say(sentence: string): void {
  process.stdout.write(`${sentence}\n`);
}

main().catch((error: unknown) => {
  const isExplained = error instanceof ListenError || error instanceof LitefsUnavailableError;
  process.stderr.write(`${isExplained ? error.message : String((error as Error)?.stack ?? error)}\n`);
  process.exit(1);
});
