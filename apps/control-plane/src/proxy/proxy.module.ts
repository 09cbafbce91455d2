import { Module } from '@nestjs/common';
import { GatesModule } from '../gates/gates.module';
import { TenantsModule } from '../tenants/tenants.module';
import { TenantJson } from './tenant-json';
import { TenantProxy } from './tenant-proxy';

@Module({
  imports: [GatesModule, TenantsModule],
  providers: [TenantProxy, TenantJson],
  exports: [TenantProxy, TenantJson],
})
export class ProxyModule {}
