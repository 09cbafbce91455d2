import { requireLitefs } from '@app/common/litefs/require-litefs';
import type { Logger } from '@app/common/logging/logger';
import { FlyPlatform } from '@app/minifly-client/fly-platform';
import { MachinesClient } from '@app/minifly-client/machines-client';
import { Inject, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { join, resolve } from 'node:path';
import { ControlPlaneConfig } from '../config';
import { CONFIG } from '../config.token';
import { LOGGER } from '../logger.token';
import { EmbeddedProcess, findPlatformProgram } from './embedded-process';
import { MachineSpecs } from './machine-spec';
import { PlatformEvents } from './platform-events';
import { PLATFORM } from './platform.token';
import { ReadinessProbe } from './readiness';
import { StartQueue } from './start-queue';
import { TenantTokenSigner } from './token-signer';

/** The embedded platform's process where the control plane starts its own, else null. For this module alone. */
const EMBEDDED_PROCESS = Symbol('EMBEDDED_PROCESS');
/** Means nothing to the embedded platform, which has one organisation. */
const ORG_SLUG = 'personal';

/** The place where tenants run: chosen here, once. */
@Module({
  providers: [
    PlatformEvents,
    ReadinessProbe,
    TenantTokenSigner,
    MachineSpecs,
    { provide: StartQueue, useFactory: () => new StartQueue() },
    {
      provide: EMBEDDED_PROCESS,
      inject: [CONFIG, LOGGER, PlatformEvents],
      useFactory: (config: Readonly<ControlPlaneConfig>, log: Logger, events: PlatformEvents) =>
        config.miniflyApiUrl ? null : ownPlatform(config, log, events),
    },
    {
      provide: MachinesClient,
      inject: [CONFIG, EMBEDDED_PROCESS],
      useFactory: (config: Readonly<ControlPlaneConfig>, embedded: EmbeddedProcess | null) =>
        new MachinesClient({ baseUrl: embedded?.socketPath ?? config.miniflyApiUrl ?? '' }),
    },
    {
      provide: PLATFORM,
      inject: [MachinesClient],
      useFactory: (client: MachinesClient) => new FlyPlatform({ client, orgSlug: ORG_SLUG }),
    },
  ],
  exports: [PLATFORM, PlatformEvents, ReadinessProbe, TenantTokenSigner, MachineSpecs, StartQueue],
})
export class MachinesModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    @Inject(EMBEDDED_PROCESS) private readonly embedded: EmbeddedProcess | null,
    private readonly client: MachinesClient,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.embedded?.start();
  }

  /** After the server has closed: what was under way has ended, and the machines can go. */
  async onApplicationShutdown(): Promise<void> {
    await this.client.close();
    await this.embedded?.stop();
  }
}

/** Throws `LitefsUnavailableError` where tenants are to be on LiteFS and cannot. */
function ownPlatform(config: Readonly<ControlPlaneConfig>, log: Logger, events: PlatformEvents): EmbeddedProcess {
  const { script, images, litefsFolder } = findPlatformProgram(__dirname);
  if (config.embeddedLitefs) requireLitefs(config.searchPath);
  return new EmbeddedProcess({
    script,
    images,
    stateDir: resolve(join(config.dataDir, 'embedded')),
    logLevel: config.logLevel,
    litefs: config.embeddedLitefs ? { folder: litefsFolder, searchPath: config.searchPath } : null,
    log,
    onReturn: () => events.announceReturn(),
  });
}
