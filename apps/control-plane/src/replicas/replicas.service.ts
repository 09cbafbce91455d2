import type { Clock } from '@app/common/time/clock';
import type { Platform } from '@app/minifly-client/platform';
import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { CLOCK } from '../clock.token';
import { atomically } from '../database/atomically';
import { ControlPlaneError } from '../error-codes';
import { PLATFORM } from '../machines/platform.token';
import type { RegionCode } from '../tenants/regions';
import { TenantsService } from '../tenants/tenants.service';
import { TimelineService } from '../tenants/timeline.service';

/** A tenant's read-only copies in other regions. */
@Injectable()
export class ReplicasService {
  constructor(
    @Inject(PLATFORM) private readonly platform: Platform,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly dataSource: DataSource,
    private readonly tenants: TenantsService,
    private readonly timeline: TimelineService,
  ) {}

  /**
   * Writes down that the tenant is to have a replica in the region, in the primary's epoch. It is made while the tenant is awake, at
   * once or at its next wake. Throws `not_found`, and `replica_not_possible` where the tenant is not active, not on LiteFS, has
   * something in that region already, or is on a platform without replicas.
   */
  async add(tenantId: string, region: RegionCode): Promise<void> {
    const { app } = await this.tenants.get(tenantId);
    if (app.volumeKind !== 'litefs') throw notPossible('The app keeps its data on a plain directory, not on LiteFS.');
    if (!this.platform.peerUrl) throw notPossible('The platform has no replicas.');
    const at = this.clock.now();
    const isAdded = atomically(this.dataSource, (db) => {
      const { changes } = db
        .prepare(
          `INSERT INTO user_apps (id, user_id, app_name, region, role, epoch, volume_kind, status, status_since, attempts, next_attempt_at)
           SELECT ?, user_id, app_name, ?, 'replica', epoch, volume_kind, 'provisioning', ?, 0, ?
           FROM user_apps WHERE id = ? AND role = 'primary' AND status = 'active'
           ON CONFLICT (user_id, region) DO NOTHING`,
        )
        .run(randomUUID(), region, at, at, app.id);
      return changes > 0;
    });
    if (!isAdded) throw notPossible(`The app is not active, or has something in ${region} already.`);
    await this.timeline.record({ tenantId, region, kind: 'replica_added' });
    this.tenants.announceDue();
  }
}

function notPossible(why: string): ControlPlaneError {
  return new ControlPlaneError('replica_not_possible', `There can be no replica now. ${why}`);
}
