import { Injectable } from '@nestjs/common';
import { GatesService } from '../gates/gates.service';
import { toTenantResponse, type TenantResponse } from '../tenants/tenant-response';
import { TenantsService } from '../tenants/tenants.service';
import { TimelineService } from '../tenants/timeline.service';

/** A tenant as the API shows it, from what is on record and what its gate saw last. Asks no platform and wakes nothing. */
@Injectable()
export class TenantViews {
  constructor(
    private readonly tenants: TenantsService,
    private readonly timeline: TimelineService,
    private readonly gates: GatesService,
  ) {}

  /** Null where the app is gone. */
  async find(tenantId: string): Promise<TenantResponse | null> {
    const [rows, events] = await Promise.all([this.tenants.find(tenantId), this.timeline.list(tenantId)]);
    return rows && toTenantResponse(rows, events, this.gates.machineState(tenantId));
  }

  /** As `find`; throws `not_found`. */
  async get(tenantId: string): Promise<TenantResponse> {
    const [rows, events] = await Promise.all([this.tenants.get(tenantId), this.timeline.list(tenantId)]);
    return toTenantResponse(rows, events, this.gates.machineState(tenantId));
  }
}
