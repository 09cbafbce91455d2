import type { Clock } from '@app/common/time/clock';
import type { Platform } from '@app/minifly-client/platform';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CLOCK } from '../clock.token';
import { GatesService } from '../gates/gates.service';
import { LITEFS_PORT, machineNameOf } from '../machines/tenant-env';
import { MachineSpecs } from '../machines/machine-spec';
import { PLATFORM } from '../machines/platform.token';
import { ReadinessProbe } from '../machines/readiness';
import { within } from '../machines/within';
import { TenantsService } from '../tenants/tenants.service';
import { TimelineService } from '../tenants/timeline.service';
import { UserApp } from '../tenants/user-app.entity';

const VERB_MS = 60_000;
/** A new replica gets the whole database first. */
const READY_MS = 60_000;

/** What is done to one replica's machine. Each is safe to repeat, and its id is on the row before anything else is done. */
@Injectable()
export class ReplicaSteps {
  constructor(
    @Inject(PLATFORM) private readonly platform: Platform,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly dataSource: DataSource,
    private readonly tenants: TenantsService,
    private readonly timeline: TimelineService,
    private readonly gates: GatesService,
    private readonly specs: MachineSpecs,
    private readonly probe: ReadinessProbe,
  ) {}

  /**
   * Brings the replica to where it follows the primary, which is awake: volume, machine, started, ready. A machine that is configured
   * otherwise (the primary's address, the keys, the epoch) is configured anew first.
   */
  async bringUp(row: UserApp, signal: AbortSignal): Promise<void> {
    const found = await this.tenants.find(row.userId);
    if (found?.app.status !== 'active' || !this.platform.peerUrl) return;
    const primary = { appName: found.app.appName, machineId: found.app.machineId ?? '' };
    const url = await this.platform.peerUrl(primary, LITEFS_PORT, within(signal, VERB_MS));
    const follows = { name: machineNameOf(found.app), url };
    const wasWell = row.status === 'active' && row.awakeSince !== null && row.lastError === null;
    if (wasWell && (await this.isFollowing(row, follows, signal))) return;

    const volumeId = await this.ensureVolume(row, signal);
    const spec = this.specs.specOf(row, volumeId, follows);
    const { machineId } = await this.platform.ensureMachine(spec, within(signal, VERB_MS));
    await this.write(row, { machineId, awakeSince: row.awakeSince ?? this.clock.now() });
    const ref = { appName: row.appName, machineId };
    await this.platform.start(ref, within(signal, VERB_MS));
    this.gates.sawMachine(row.id, 'started');
    const address = await this.platform.address(ref, within(signal, VERB_MS));
    const question = { ...address, tenantId: row.userId, databaseId: found.tenant.databaseId };
    const readiness = await this.probe.waitUntilReady(question, READY_MS, signal);
    if (readiness.outcome !== 'ready') throw new Error(`The replica is not ready: ${readiness.detail}.`);
    await this.activate(row);
  }

  /** One look, for a replica that was brought up before: it runs, configured as it is to be. */
  private async isFollowing(row: UserApp, follows: { name: string; url: string }, signal: AbortSignal) {
    const seen = await this.platform.look({ appName: row.appName, tenantId: row.userId }, within(signal, VERB_MS));
    const machine = seen.machines.find(({ id }) => id === row.machineId);
    if (machine) this.gates.sawMachine(row.id, machine.state);
    const { env } = this.specs.specOf(row, row.volumeId ?? '', follows);
    return machine?.state === 'started' && Object.entries(env).every(([name, value]) => machine.env[name] === value);
  }

  private async ensureVolume(row: UserApp, signal: AbortSignal): Promise<string> {
    const spec = this.specs.volumeSpecOf(row, row.volumeId);
    const { volumeId } = await this.platform.ensureVolume(spec, within(signal, VERB_MS));
    await this.write(row, { volumeId });
    return volumeId;
  }

  /** Also one that waits for a primary in vain: it is killed when it has not ended in time. */
  async stop(row: UserApp, signal: AbortSignal): Promise<void> {
    await this.platform.stop({ appName: row.appName, machineId: row.machineId ?? '' }, within(signal, VERB_MS));
    this.gates.sawMachine(row.id, 'stopped');
    await this.write(row, { awakeSince: null });
  }

  private async activate(row: UserApp): Promise<void> {
    const at = this.clock.now();
    const rows = this.dataSource.getRepository(UserApp);
    await rows.update({ id: row.id }, { attempts: 0, nextAttemptAt: at, lastError: null });
    const { affected } = await rows.update(
      { id: row.id, status: 'provisioning' },
      { status: 'active', statusSince: at },
    );
    if (!affected) return;
    const detail = { ms: at - row.statusSince };
    await this.timeline.record({ tenantId: row.userId, region: row.region, kind: 'replica_active', detail });
  }

  private async write(row: UserApp, changes: Partial<Pick<UserApp, 'volumeId' | 'machineId' | 'awakeSince'>>) {
    await this.dataSource.getRepository(UserApp).update({ id: row.id }, changes);
    Object.assign(row, changes);
  }
}
