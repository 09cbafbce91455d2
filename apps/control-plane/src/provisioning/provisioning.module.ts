import { Module } from '@nestjs/common';
import { GatesModule } from '../gates/gates.module';
import { MachinesModule } from '../machines/machines.module';
import { TenantsModule } from '../tenants/tenants.module';
import { ProvisionerService } from './provisioner.service';
import { ProvisioningRows } from './provisioning-rows';
import { Steps } from './steps';

@Module({
  imports: [GatesModule, MachinesModule, TenantsModule],
  providers: [ProvisioningRows, Steps, ProvisionerService],
})
export class ProvisioningModule {}
