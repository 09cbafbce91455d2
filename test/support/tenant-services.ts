import { createLogger } from '@app/common/logging/logger';
import { systemClock } from '@app/common/time/clock';
import { Global, Module, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { DataSource } from 'typeorm';
import { CLOCK } from '../../apps/control-plane/src/clock.token';
import type { ControlPlaneConfig } from '../../apps/control-plane/src/config';
import { CONFIG } from '../../apps/control-plane/src/config.token';
import { DatabaseModule } from '../../apps/control-plane/src/database/database.module';
import { GatesModule } from '../../apps/control-plane/src/gates/gates.module';
import { LOGGER } from '../../apps/control-plane/src/logger.token';
import { ObservabilityModule } from '../../apps/control-plane/src/observability/observability.module';
import { ProvisioningModule } from '../../apps/control-plane/src/provisioning/provisioning.module';
import { SECRETS } from '../../apps/control-plane/src/secrets.token';
import { TenantsModule } from '../../apps/control-plane/src/tenants/tenants.module';

@Global()
@Module({})
class Surroundings {}

/** The control plane's part that looks after tenants, on a real platform and without its HTTP side. `write` gets each line of its log. */
export function startTenantServices(parts: {
  dataSource: DataSource;
  config: Readonly<ControlPlaneConfig>;
  secret: string;
  write: (line: string) => void;
  more?: Type[];
}): Promise<INestApplicationContext> {
  const { dataSource, config, secret, write, more = [] } = parts;
  const tokens = [
    { provide: CONFIG, useValue: config },
    { provide: LOGGER, useValue: createLogger({ app: 'control-plane', level: 'info' }, { write }) },
    { provide: CLOCK, useValue: systemClock },
    { provide: SECRETS, useValue: [secret] },
  ];
  const modules = [ObservabilityModule, TenantsModule, GatesModule, ProvisioningModule, ...more];
  const surroundings = {
    module: Surroundings,
    imports: [DatabaseModule.forRoot(dataSource), ...modules],
    providers: tokens,
    exports: tokens.map(({ provide }) => provide),
  };
  return NestFactory.createApplicationContext(surroundings, { logger: false });
}
