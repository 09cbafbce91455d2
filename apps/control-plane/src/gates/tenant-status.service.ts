import { Injectable } from '@nestjs/common';
import type { TenantEvent } from '../tenants/event.entity';
import { toTenantResponse, type TenantResponse } from '../tenants/tenant-response';
import { TenantsService } from '../tenants/tenants.service';
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
    const [found, events] = await Promise.all([this.tenants.find(tenantId), this.timeline.list(tenantId)]);
    return found && { tenant: toTenantResponse(found, events, this.gates.machineState(tenantId)), events };
  }

  /** As `find`; throws `not_found`. */
  async get(tenantId: string): Promise<TenantStatus> {
    const [found, events] = await Promise.all([this.tenants.get(tenantId), this.timeline.list(tenantId)]);
    return { tenant: toTenantResponse(found, events, this.gates.machineState(tenantId)), events };
  }
}
