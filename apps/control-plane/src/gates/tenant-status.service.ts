import { Injectable } from '@nestjs/common';
import type { TenantEvent } from '../tenants/event.entity';
import { toTenantResponse, type TenantResponse } from '../tenants/tenant-response';
import { TenantsService, type TenantWithApp } from '../tenants/tenants.service';
import { TimelineService } from '../tenants/timeline.service';
import { GatesService } from './gates.service';

/** A tenant as the API shows it, with the timeline behind it, oldest first. */
export interface TenantStatus {
  tenant: TenantResponse;
  events: TenantEvent[];
}

/** What is on record of a tenant, and what its gate saw last. Asks neither the platform nor the tenant, and wakes nothing. */
@Injectable()
export class TenantStatusService {
  constructor(
    private readonly tenants: TenantsService,
    private readonly timeline: TimelineService,
    private readonly gates: GatesService,
  ) {}

  /** Null where the app is gone. */
  async find(tenantId: string): Promise<TenantStatus | null> {
    const found = await this.tenants.find(tenantId);
    return found && this.statusOf(found);
  }

  /** As `find`; throws `not_found`. */
  async get(tenantId: string): Promise<TenantStatus> {
    return this.statusOf(await this.tenants.get(tenantId));
  }

  private async statusOf(found: TenantWithApp): Promise<TenantStatus> {
    const tenantId = found.tenant.id;
    const [events, apps] = await Promise.all([this.timeline.list(tenantId), this.tenants.replicasOf(tenantId)]);
    const replicas = apps.map((app) => ({ app, machine: this.gates.machineState(app.id) }));
    return { tenant: toTenantResponse(found, events, this.gates.machineState(tenantId), replicas), events };
  }
}
