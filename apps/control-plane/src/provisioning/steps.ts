import type { Clock } from '@app/common/time/clock';
import { failedWith } from '@app/minifly-client/errors';
import type {
  MachineAddress,
  MachineRef,
  MadeMachine,
  Platform,
  Seen,
  SeenMachine,
} from '@app/minifly-client/platform';
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK } from '../clock.token';
import { ControlPlaneConfig, volumeKindOf } from '../config';
import { CONFIG } from '../config.token';
import { GatesService } from '../gates/gates.service';
import { MachineSpecs } from '../machines/machine-spec';
import { movedVolume } from '../machines/moved-volume';
import { PLATFORM } from '../machines/platform.token';
import { ReadinessProbe, type Readiness } from '../machines/readiness';
import { StartQueue } from '../machines/start-queue';
import { within } from '../machines/within';
import { Metrics } from '../observability/metrics';
import type { ProvisionStep } from '../tenants/event.entity';
import type { TenantWithApp } from '../tenants/tenants.service';
import { TimelineService } from '../tenants/timeline.service';
import type { UserApp } from '../tenants/user-app.entity';
import { ProvisioningRows } from './provisioning-rows';

/** One row's way through provisioning, with what is known of the platform by now. */
export interface Operation extends TenantWithApp {
  seen: Seen;
  readiness: Readiness | null;
  /** The machine was configured in this very run, so it need not be compared before its start. */
  isConfigured: boolean;
  /** Where the machine answered. */
  address: MachineAddress | null;
  /** The step that is being taken, for the timeline when it fails. */
  current: { step: ProvisionStep; since: number } | null;
  signal: AbortSignal;
}

const VERB_MS = 60_000;
/** An app takes a while to go, with what hangs on it. */
const DESTROY_MS = 180_000;
/** One slice of asking whether it is ready; between two the platform is asked whether it still runs. */
const PROBE_MS = 2000;
/** The code of that refusal, too: a row that has it from an earlier run is not moved again either. */
const HOST_LEFT = 'capacity_host';
const STOPPED = new Set(['created', 'stopped', 'suspended', 'failed']);

/** What provisioning does to the platform. Each is safe to repeat, and its id is on the row before it returns. */
@Injectable()
export class Steps {
  constructor(
    @Inject(PLATFORM) private readonly platform: Platform,
    @Inject(CONFIG) private readonly config: Readonly<ControlPlaneConfig>,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly rows: ProvisioningRows,
    private readonly gates: GatesService,
    private readonly timeline: TimelineService,
    private readonly specs: MachineSpecs,
    private readonly probe: ReadinessProbe,
    private readonly starts: StartQueue,
    private readonly metrics: Metrics,
  ) {}

  /** Asks what there is, and notes that nothing is missing any more where something was. */
  async look({ app, signal }: Operation): Promise<Seen> {
    const seen = await this.platform.look({ appName: app.appName, tenantId: app.userId }, within(signal, VERB_MS));
    const volumeId = movedVolume(app, seen);
    if (volumeId !== null) await this.rows.write(app, { volumeId });
    const machine = seen.machines.find(({ id }) => id === app.machineId);
    if (machine) this.gates.sawMachine(app.userId, machine.state);
    const hasVolume = !app.volumeId || seen.volumes.some(({ id }) => id === app.volumeId);
    const isWhole = seen.app === 'ours' && hasVolume && (!app.machineId || machine !== undefined);
    if (isWhole && app.missingLooks > 0) await this.rows.write(app, { missingSince: null, missingLooks: 0 });
    return seen;
  }

  /** A name that turns out to be somebody else's is as good as seen. */
  async createApp(operation: Operation): Promise<void> {
    const { app, signal } = operation;
    await this.onTimeline(operation, 'app', async () => {
      try {
        await this.platform.ensureApp({ appName: app.appName, tenantId: app.userId }, within(signal, VERB_MS));
        operation.seen = { ...operation.seen, app: 'ours' };
      } catch (error) {
        if (!failedWith(error, 'name_taken')) throw error;
        operation.seen = { ...operation.seen, app: 'foreign' };
      }
    });
  }

  async createVolume(operation: Operation, knownVolumeId: string | null): Promise<void> {
    const { app } = operation;
    await this.onTimeline(operation, 'volume', async () => {
      const { volumeId } = await this.ensureVolume(operation, knownVolumeId);
      const kind = knownVolumeId === null ? { volumeKind: volumeKindOf(this.config) } : {};
      await this.rows.write(app, { volumeId, ...kind, ...this.foundAgain(operation) });
      const volume = { id: volumeId, region: app.region, attachedMachineId: null, everMounted: false };
      operation.seen = { ...operation.seen, volumes: [...operation.seen.volumes, volume] };
    });
  }

  async createMachine(operation: Operation): Promise<void> {
    const { app, signal } = operation;
    await this.onTimeline(operation, 'machine', async () => {
      const spec = this.specs.specOf(app, app.volumeId ?? '');
      const made = await this.platform.ensureMachine(spec, within(signal, VERB_MS));
      await this.take(operation, made, this.foundAgain(operation));
      // Made just now, or adopted with whatever it was doing: only a look tells which.
      operation.seen = await this.look(operation);
      operation.isConfigured = true;
    });
  }

  /** Where its host has no room any more, the machine is made anew on another one: once, because each time leaves a volume behind. */
  async start(operation: Operation, machineId: string): Promise<void> {
    try {
      await this.startHere(operation, machineId);
    } catch (error) {
      const { app, signal } = operation;
      if (!failedWith(error, 'capacity_host') || app.lastError?.code === HOST_LEFT) throw error;
      const spec = { ...this.specs.specOf(app, app.volumeId ?? ''), onAnotherHost: true };
      const made = await this.platform.ensureMachine(spec, within(signal, VERB_MS));
      const lastError = { code: HOST_LEFT, detail: error.message, at: this.clock.now() };
      await this.take(operation, made, { lastError });
      operation.seen = await this.look(operation);
      operation.isConfigured = true;
    }
  }

  private async startHere(operation: Operation, machineId: string): Promise<void> {
    const { app, signal } = operation;
    await this.onTimeline(operation, 'started', async () => {
      const endTurn = await this.starts.enter('provision', signal);
      try {
        if (!operation.isConfigured) {
          // Made by an earlier run, perhaps of an earlier configuration: what is wanted now is what is started.
          await this.platform.ensureMachine(this.specs.specOf(app, app.volumeId ?? ''), within(signal, VERB_MS));
        }
        await this.rows.write(app, { awakeSince: app.awakeSince ?? this.clock.now() });
        this.gates.sawMachine(app.userId, 'starting');
        await this.platform.start({ appName: app.appName, machineId }, within(signal, VERB_MS));
      } finally {
        endTurn();
      }
      this.sawState(operation, machineId, 'started');
    });
  }

  /** Asks the machine itself; the answer is in the operation. */
  async askReady(operation: Operation, machineId: string): Promise<void> {
    const { app, tenant, signal } = operation;
    await this.onTimeline(operation, 'healthy', async () => {
      const address = await this.platform.address({ appName: app.appName, machineId }, within(signal, VERB_MS));
      const question = { ...address, tenantId: tenant.id, databaseId: tenant.databaseId };
      operation.address = address;
      operation.readiness = await this.probe.waitUntilReady(question, PROBE_MS, signal);
      return operation.readiness.outcome === 'ready';
    });
  }

  /** Stops what runs, for a row that has failed: what is not served does not run either. */
  async stopMachine({ app, seen, signal }: Operation): Promise<void> {
    const running = seen.machines.filter(({ id, state }) => id === app.machineId && !STOPPED.has(state));
    for (const { id } of running) {
      const ref: MachineRef = { appName: app.appName, machineId: id };
      await this.platform.stop(ref, within(signal, VERB_MS));
      this.gates.sawMachine(app.userId, 'stopped');
    }
  }

  async destroy({ app, signal }: Operation): Promise<void> {
    await this.platform.destroy({ appName: app.appName, tenantId: app.userId }, within(signal, DESTROY_MS));
  }

  /** The machine, and the volume that it mounts, go on the row. One that a copy took the place of goes, if it was never mounted. */
  private async take(operation: Operation, made: MadeMachine, changes: Partial<UserApp>): Promise<void> {
    const { app } = operation;
    const before = app.volumeId;
    await this.rows.write(app, { ...made, ...changes });
    if (made.volumeId !== before) await this.ensureVolume(operation, made.volumeId);
  }

  private ensureVolume({ app, signal }: Operation, knownVolumeId: string | null): Promise<{ volumeId: string }> {
    return this.platform.ensureVolume(this.specs.volumeSpecOf(app, knownVolumeId), within(signal, VERB_MS));
  }

  /** What was missing has been replaced: its remaking is a new stretch of work with the whole time before it. */
  private foundAgain({ app }: Operation) {
    if (app.missingLooks === 0) return {};
    return { missingSince: null, missingLooks: 0, attempts: 0, statusSince: this.clock.now() };
  }

  private sawState(operation: Operation, machineId: string, state: string): void {
    const machines = operation.seen.machines.map((machine): SeenMachine =>
      machine.id === machineId ? { ...machine, state } : machine,
    );
    operation.seen = { ...operation.seen, machines };
    this.gates.sawMachine(operation.app.userId, state);
  }

  /** Puts the step on the tenant's timeline, with how long it took. `false` from `work`: not done yet, to be gone on with. */
  private async onTimeline(
    operation: Operation,
    step: ProvisionStep,
    work: () => Promise<boolean | void>,
  ): Promise<void> {
    const { app } = operation;
    const { userId: tenantId, region } = app;
    const begun = this.clock.now();
    operation.current = { step, since: begun };
    const isContinued = step === 'healthy' && app.lastError?.code === 'not_ready';
    if (!isContinued) await this.timeline.record({ tenantId, region, kind: 'step_started', step });
    const isDone = await work();
    if (isDone === false) return;
    operation.current = null;
    const ms = this.clock.now() - begun;
    this.metrics.provisionSeconds.observe({ step, outcome: 'done' }, ms / 1000);
    await this.timeline.record({ tenantId, region, kind: 'step_done', step, detail: { ms } });
  }
}
