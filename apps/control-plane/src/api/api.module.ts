import { Module } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { AccountsModule } from '../accounts/accounts.module';
import { GatesModule } from '../gates/gates.module';
import { MachinesModule } from '../machines/machines.module';
import { TenantsModule } from '../tenants/tenants.module';
import { AccessController } from './access.controller';
import { AccountController } from './account.controller';
import { DirectAccess } from './direct-access';
import { RegionsController } from './regions.controller';
import { TenantEventStreams } from './tenant-event-streams';
import { TenantController } from './tenant.controller';
import { apiValidation } from './validation';

@Module({
  imports: [AccountsModule, TenantsModule, GatesModule, MachinesModule],
  controllers: [AccountController, AccessController, RegionsController, TenantController],
  providers: [TenantEventStreams, DirectAccess, { provide: APP_PIPE, useFactory: apiValidation }],
})
export class ApiModule {}
