import { Global, Module, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { Server } from 'node:http';
import type { DataSource } from 'typeorm';
import { ApiModule } from '../../apps/control-plane/src/api/api.module';
import { CLOCK } from '../../apps/control-plane/src/clock.token';
import type { ControlPlaneConfig } from '../../apps/control-plane/src/config';
import { CONFIG } from '../../apps/control-plane/src/config.token';
import { DatabaseModule } from '../../apps/control-plane/src/database/database.module';
import { FrontDoorAdapter } from '../../apps/control-plane/src/front-door/front-door-adapter';
import { FrontDoorModule } from '../../apps/control-plane/src/front-door/front-door.module';
import { GatesModule } from '../../apps/control-plane/src/gates/gates.module';
import { GatesService } from '../../apps/control-plane/src/gates/gates.service';
import type { Admission } from '../../apps/control-plane/src/gates/admission';
import { TenantStatusService } from '../../apps/control-plane/src/gates/tenant-status.service';
import { LOGGER } from '../../apps/control-plane/src/logger.token';
import { MachinesModule } from '../../apps/control-plane/src/machines/machines.module';
import { TenantTokenSigner } from '../../apps/control-plane/src/machines/token-signer';
import { TenantsModule } from '../../apps/control-plane/src/tenants/tenants.module';
import { ObservabilityModule } from '../../apps/control-plane/src/observability/observability.module';
import { SECRETS } from '../../apps/control-plane/src/secrets.token';
import { StandingClock, openTestDatabase, silentLog, testConfig } from './accounts';

/** The gates as the API sees them, without machines. */
export class GatesStandIn {
  admission: Admission = { outcome: 'timedOut', retryAfterSeconds: 5 };
  machine: { state: string; seenAt: number | null } = { state: 'unknown', seenAt: null };
  address: string | null = null;
  readonly direct: [string, number][] = [];
  entered = 0;

  enter(): Promise<Admission> {
    this.entered += 1;
    return Promise.resolve(this.admission);
  }

  directUntil(tenantId: string, until: number): Promise<void> {
    this.direct.push([tenantId, until]);
    return Promise.resolve();
  }

  directAddress(_tenantId: string, isLocal: boolean): Promise<string | null> {
    return Promise.resolve(isLocal ? this.address : null);
  }

  machineState(): { state: string; seenAt: number | null } {
    return this.machine;
  }
}

export interface ControlPlaneApi {
  url: string;
  app: INestApplication;
  dataSource: DataSource;
  clock: StandingClock;
  gates: GatesStandIn;
  close(): Promise<void>;
}

/** The real front door, API, accounts and database over real HTTP on a free port; no platform and no tenants behind them. */
export async function openControlPlaneApi(overrides: Partial<ControlPlaneConfig> = {}): Promise<ControlPlaneApi> {
  const dataSource = await openTestDatabase();
  const clock = new StandingClock();
  const gates = new GatesStandIn();
  const tokens = [
    { provide: CONFIG, useValue: testConfig(overrides) },
    { provide: LOGGER, useValue: silentLog },
    { provide: CLOCK, useValue: clock },
    { provide: SECRETS, useValue: ['a secret of the tests'] },
  ];

  @Global()
  @Module({ providers: tokens, exports: tokens.map(({ provide }) => provide) })
  class SurroundingsModule {}

  @Module({
    imports: [TenantsModule],
    providers: [{ provide: GatesService, useValue: gates }, TenantStatusService],
    exports: [GatesService, TenantStatusService],
  })
  class GatesStandInModule {}

  @Module({ providers: [TenantTokenSigner], exports: [TenantTokenSigner] })
  class MachinesStandInModule {}

  const moduleRef = await Test.createTestingModule({
    imports: [SurroundingsModule, DatabaseModule.forRoot(dataSource), ObservabilityModule, FrontDoorModule, ApiModule],
  })
    .overrideModule(GatesModule)
    .useModule(GatesStandInModule)
    .overrideModule(MachinesModule)
    .useModule(MachinesStandInModule)
    .compile();
  const app = moduleRef.createNestApplication(new FrontDoorAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    app,
    dataSource,
    clock,
    gates,
    async close() {
      await app.close();
      await dataSource.destroy();
    },
  };
}
