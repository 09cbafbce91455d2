import type { Logger } from '@app/common/logging/logger';
import { Inject, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ControlPlaneConfig } from '../config';
import { CONFIG } from '../config.token';
import { LOGGER } from '../logger.token';
import { choosePlatform, type ChosenPlatform } from './choose-platform';
import { MachineSpecs } from './machine-spec';
import { PlatformEvents } from './platform-events';
import { PLATFORM } from './platform.token';
import { ReadinessProbe } from './readiness';
import { StartQueue } from './start-queue';
import { TenantTokenSigner } from './token-signer';

/** For this module alone: others get the `Platform`. */
const CHOSEN_PLATFORM = Symbol('CHOSEN_PLATFORM');

/** The place where tenants run, whichever it is. */
@Module({
  providers: [
    PlatformEvents,
    ReadinessProbe,
    TenantTokenSigner,
    MachineSpecs,
    { provide: StartQueue, useFactory: () => new StartQueue() },
    {
      provide: CHOSEN_PLATFORM,
      inject: [CONFIG, LOGGER, PlatformEvents, DataSource],
      useFactory: (
        config: Readonly<ControlPlaneConfig>,
        log: Logger,
        events: PlatformEvents,
        dataSource: DataSource,
      ): ChosenPlatform | Promise<ChosenPlatform> =>
        choosePlatform(config, { log, dataSource, onReturn: () => events.announceReturn() }),
    },
    { provide: PLATFORM, inject: [CHOSEN_PLATFORM], useFactory: (chosen: ChosenPlatform) => chosen.platform },
  ],
  exports: [PLATFORM, PlatformEvents, ReadinessProbe, TenantTokenSigner, MachineSpecs, StartQueue],
})
export class MachinesModule implements OnModuleInit, OnApplicationShutdown {
  constructor(@Inject(CHOSEN_PLATFORM) private readonly chosen: ChosenPlatform) {}

  async onModuleInit(): Promise<void> {
    await this.chosen.start();
  }

  /** After the server has closed: what was under way has ended, and the machines can go. */
  async onApplicationShutdown(): Promise<void> {
    await this.chosen.close();
  }
}
