import type { Clock } from '@app/common/time/clock';
import type { Logger } from '@app/common/logging/logger';
import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { ApiModule } from './api/api.module';
import { CLOCK } from './clock.token';
import type { ControlPlaneConfig } from './config';
import { CONFIG } from './config.token';
import { DatabaseModule } from './database/database.module';
import { FrontDoorModule } from './front-door/front-door.module';
import { LOGGER } from './logger.token';
import { ObservabilityModule } from './observability/observability.module';
import { PagesModule } from './pages/pages.module';
import { ProvisioningModule } from './provisioning/provisioning.module';
import { ReplicasModule } from './replicas/replicas.module';
import { SECRETS } from './secrets.token';
import type { SessionSecrets } from './session-secrets';

/** What the process got hold of before the application is put together. */
export interface Surroundings {
  config: Readonly<ControlPlaneConfig>;
  log: Logger;
  clock: Clock;
  secrets: SessionSecrets;
  dataSource: DataSource;
}

@Global()
@Module({})
export class AppModule {
  static with({ config, log, clock, secrets, dataSource }: Surroundings): DynamicModule {
    const tokens = [
      { provide: CONFIG, useValue: config },
      { provide: LOGGER, useValue: log },
      { provide: CLOCK, useValue: clock },
      { provide: SECRETS, useValue: secrets },
    ];
    return {
      module: AppModule,
      imports: [
        DatabaseModule.forRoot(dataSource),
        ObservabilityModule,
        FrontDoorModule,
        ApiModule,
        PagesModule,
        ProvisioningModule,
        ReplicasModule,
      ],
      providers: tokens,
      exports: tokens.map(({ provide }) => provide),
    };
  }
}
