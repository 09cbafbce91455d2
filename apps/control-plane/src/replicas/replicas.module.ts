import { Module } from '@nestjs/common';
import { GatesModule } from '../gates/gates.module';
import { MachinesModule } from '../machines/machines.module';
import { TenantsModule } from '../tenants/tenants.module';
import { ReplicaKeeper } from './replica-keeper';
import { ReplicaSteps } from './replica-steps';
import { ReplicasService } from './replicas.service';

@Module({
  imports: [GatesModule, MachinesModule, TenantsModule],
  providers: [ReplicasService, ReplicaSteps, ReplicaKeeper],
  exports: [ReplicasService],
})
export class ReplicasModule {}
