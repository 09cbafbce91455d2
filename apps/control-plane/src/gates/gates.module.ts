import { Module } from '@nestjs/common';
import { MachinesModule } from '../machines/machines.module';
import { TenantsModule } from '../tenants/tenants.module';
import { AwakeSweep } from './awake-sweep';
import { GatesService } from './gates.service';
import { IdleStop } from './idle-stop';
import { MachineViews } from './machine-views';
import { TenantStatusService } from './tenant-status.service';
import { Waker } from './waker';

@Module({
  imports: [MachinesModule, TenantsModule],
  providers: [MachineViews, Waker, GatesService, IdleStop, AwakeSweep, TenantStatusService],
  exports: [GatesService, TenantStatusService],
})
export class GatesModule {}
