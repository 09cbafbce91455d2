import type { Clock } from '@app/common/time/clock';
import { MachinesApiError, type MachinesApiReason } from '@app/minifly-client/errors';
import type {
  AppSpec,
  MachineAddress,
  MachineRef,
  MachineSpec,
  MadeMachine,
  Platform,
  Seen,
  SeenMachine,
  SeenVolume,
  VolumeSpec,
} from '@app/minifly-client/platform';
import { randomUUID } from 'node:crypto';
import {
  ReadinessProbe,
  type Readiness,
  type ReadinessQuestion,
} from '../../apps/control-plane/src/machines/readiness';

export type Verb = keyof Platform;
type Volume = SeenVolume & { appName: string; databaseId: string | null };
type Machine = SeenMachine & { appName: string; tenantId: string; starts: number };
type Fault = { verb: Verb | 'any'; phase: 'before' | 'after'; times: number; act: () => Promise<void> };

/** Behaves as platform.ts promises, in memory, and fails where and how a test says. It outlives the services that use it, as a platform does. */
export class ScriptedPlatform implements Platform {
  readonly apps = new Map<string, string>();
  readonly volumes: Volume[] = [];
  readonly machines: Machine[] = [];
  readonly calls: Verb[] = [];
  private readonly faults: Fault[] = [];
  private ids = 0;

  /** Nothing is carried out and nothing answers, until `reachable`. */
  unreachable(): void {
    this.fault('any', 'before', Infinity, () => Promise.reject(apiError(0, 'unavailable', 'connect ECONNREFUSED')));
  }

  /** All faults are over. */
  reachable(): void {
    this.faults.length = 0;
  }

  /** It is carried out, and the answer never comes. */
  losesReply(verb: Verb): void {
    this.fault(verb, 'after', 1, () => Promise.reject(apiError(0, 'unavailable', 'socket hang up')));
  }

  refuses(verb: Verb, status: number, reason: MachinesApiReason, times = 1, text = reason as string): void {
    this.fault(verb, 'before', times, () => Promise.reject(apiError(status, reason, text)));
  }

  /** The caller never gets further, as if it had been killed; resolves when it has come so far. */
  hangsAt(verb: Verb, phase: 'before' | 'after'): Promise<void> {
    return new Promise((reached) => {
      this.fault(verb, phase, 1, () => {
        reached();
        return new Promise(() => undefined);
      });
    });
  }

  /** Holds one call until the returned function is called. */
  holds(verb: Verb, phase: 'before' | 'after' = 'before'): () => void {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    this.fault(verb, phase, 1, () => released);
    return release;
  }

  count(verb: Verb): number {
    return this.calls.filter((call) => call === verb).length;
  }

  ensureApp(app: AppSpec, signal: AbortSignal): Promise<void> {
    return this.call('ensureApp', signal, () => {
      const owner = this.apps.get(app.appName);
      if (owner !== undefined && owner !== app.tenantId)
        throw apiError(422, 'name_taken', 'Name has already been taken');
      this.apps.set(app.appName, app.tenantId);
    });
  }

  ensureVolume(spec: VolumeSpec, signal: AbortSignal): Promise<{ volumeId: string }> {
    return this.call('ensureVolume', signal, () => {
      this.requireOurs(spec);
      const here = this.volumes.filter((volume) => volume.appName === spec.appName && volume.region === spec.region);
      if (spec.knownVolumeId) {
        if (here.some(({ id }) => id === spec.knownVolumeId)) return { volumeId: spec.knownVolumeId };
        throw apiError(404, 'not_found', `The volume ${spec.knownVolumeId} does not exist.`);
      }
      const [chosen, ...spare] = here.filter((volume) => !volume.everMounted);
      for (const volume of spare) this.volumes.splice(this.volumes.indexOf(volume), 1);
      if (chosen) return { volumeId: chosen.id };
      if (here.length > 0) throw apiError(409, 'conflict', 'was mounted before and holds data');
      const id = this.newId('vol');
      this.volumes.push({
        id,
        region: spec.region,
        attachedMachineId: null,
        everMounted: false,
        databaseId: null,
        appName: spec.appName,
      });
      return { volumeId: id };
    });
  }

  ensureMachine(spec: MachineSpec, signal: AbortSignal): Promise<MadeMachine> {
    return this.call('ensureMachine', signal, () => {
      this.requireOurs(spec);
      const name = `${spec.appName}-${spec.region}`;
      const existing = this.machines.find((machine) => machine.name === name);
      if (existing && spec.onAnotherHost) {
        remove(this.machines, (machine) => machine === existing);
        const volumeId = this.copyOf(existing.volumeId ?? '');
        return this.newMachine({ ...spec, volumeId }, name);
      }
      if (existing) {
        existing.env = spec.env;
        return { machineId: existing.id, volumeId: existing.volumeId ?? spec.volumeId };
      }
      return this.newMachine(spec, name);
    });
  }

  /** As when the platform moved the machine to another host: what it mounts is a copy, and the volume that it had is gone. */
  movesVolumeOf(machineId: string): string {
    const machine = this.machines.find(({ id }) => id === machineId);
    const before = machine?.volumeId ?? '';
    const copy = this.copyOf(before);
    for (const volume of this.volumes.filter(({ id }) => id === copy)) volume.everMounted = true;
    remove(this.volumes, ({ id }) => id === before);
    if (machine) machine.volumeId = copy;
    return copy;
  }

  private copyOf(volumeId: string): string {
    const id = this.newId('vol');
    const source = this.volumes.find((volume) => volume.id === volumeId);
    if (source) this.volumes.push({ ...source, id, attachedMachineId: null, everMounted: false });
    return id;
  }

  private newMachine(spec: MachineSpec, name: string): MadeMachine {
    const volume = this.volumes.find(({ id }) => id === spec.volumeId);
    if (!volume) throw apiError(412, 'precondition', `volume ${spec.volumeId} not found`);
    const machine: Machine = {
      id: this.newId('m'),
      name,
      state: 'stopped',
      region: spec.region,
      volumeId: spec.volumeId,
      env: spec.env,
      version: '1',
      appName: spec.appName,
      tenantId: spec.tenantId,
      starts: 0,
    };
    this.machines.push(machine);
    volume.attachedMachineId = machine.id;
    volume.everMounted = true;
    return { machineId: machine.id, volumeId: spec.volumeId };
  }

  start(ref: MachineRef, signal: AbortSignal): Promise<void> {
    return this.call('start', signal, () => {
      const machine = this.machineOf(ref);
      const volume = this.volumes.find(({ id }) => id === machine.volumeId);
      if (!volume) throw apiError(412, 'precondition', `volume ${machine.volumeId} not found`);
      if (machine.state !== 'started') machine.starts += 1;
      machine.state = 'started';
      // A replica has its primary's database, and no other.
      const isReplica = machine.env['LITEFS_ROLE'] === 'replica';
      const original = isReplica && this.volumes.find((one) => one.appName === ref.appName && one !== volume);
      volume.databaseId ??= (original && original.databaseId) || randomUUID();
    });
  }

  stop(ref: MachineRef, signal: AbortSignal): Promise<void> {
    return this.call('stop', signal, () => {
      const machine = this.machines.find(({ id }) => id === ref.machineId);
      if (machine) machine.state = 'stopped';
    });
  }

  look(app: AppSpec, signal: AbortSignal): Promise<Seen> {
    return this.call('look', signal, () => {
      const owner = this.apps.get(app.appName);
      if (owner === undefined) return { app: 'absent', volumes: [], machines: [] };
      if (owner !== app.tenantId) return { app: 'foreign', volumes: [], machines: [] };
      return {
        app: 'ours',
        volumes: this.volumes.filter(({ appName }) => appName === app.appName).map((volume) => ({ ...volume })),
        machines: this.machines.filter(({ tenantId }) => tenantId === app.tenantId).map((machine) => ({ ...machine })),
      };
    });
  }

  destroy(app: AppSpec, signal: AbortSignal): Promise<void> {
    return this.call('destroy', signal, () => {
      if (!this.apps.has(app.appName)) return;
      this.requireOurs(app);
      remove(this.machines, ({ appName }) => appName === app.appName);
      remove(this.volumes, ({ appName }) => appName === app.appName);
      this.apps.delete(app.appName);
    });
  }

  peerUrl(ref: MachineRef, port: number, signal: AbortSignal): Promise<string> {
    return this.call('peerUrl', signal, () => `http://${this.machineOf(ref).id}.internal:${port}`);
  }

  address(ref: MachineRef, signal: AbortSignal): Promise<MachineAddress> {
    return this.call('address', signal, () => ({ origin: `http://${this.machineOf(ref).id}.test:3000`, headers: {} }));
  }

  /** What a machine at this address says of itself. */
  answerOf(question: ReadinessQuestion): Readiness {
    const machine = this.machines.find(({ id }) => question.origin === `http://${id}.test:3000`);
    const volume = this.volumes.find(({ id }) => id === machine?.volumeId);
    if (machine?.state !== 'started' || !volume?.databaseId) return { outcome: 'notYet', detail: 'ECONNREFUSED' };
    if (machine.tenantId !== question.tenantId) return { outcome: 'wrongTenant', detail: machine.tenantId };
    if (question.databaseId !== null && volume.databaseId !== question.databaseId) {
      return { outcome: 'wrongDatabase', detail: volume.databaseId };
    }
    return { outcome: 'ready', databaseId: volume.databaseId, schemaVersion: 1 };
  }

  private async call<T>(verb: Verb, signal: AbortSignal, work: () => T): Promise<T> {
    this.calls.push(verb);
    await this.meetFault(verb, 'before', signal);
    const result = work();
    await this.meetFault(verb, 'after', signal);
    return result;
  }

  private async meetFault(verb: Verb, phase: Fault['phase'], signal: AbortSignal): Promise<void> {
    await Promise.resolve();
    signal.throwIfAborted();
    const fault = this.faults.find((one) => one.phase === phase && (one.verb === verb || one.verb === 'any'));
    if (!fault) return;
    fault.times -= 1;
    if (fault.times <= 0) this.faults.splice(this.faults.indexOf(fault), 1);
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    await Promise.race([fault.act(), aborted]);
  }

  private fault(verb: Fault['verb'], phase: Fault['phase'], times: number, act: Fault['act']): void {
    this.faults.push({ verb, phase, times, act });
  }

  private requireOurs(app: AppSpec): void {
    const owner = this.apps.get(app.appName);
    if (owner === undefined) throw apiError(404, 'not_found', `The app ${app.appName} does not exist.`);
    if (owner !== app.tenantId) throw apiError(422, 'name_taken', `The app ${app.appName} is another tenant's.`);
  }

  private machineOf(ref: MachineRef): Machine {
    const machine = this.machines.find(({ id, appName }) => id === ref.machineId && appName === ref.appName);
    if (!machine) throw apiError(404, 'not_found', 'machine not found');
    return machine;
  }

  private newId(kind: string): string {
    this.ids += 1;
    return `${kind}${this.ids}`;
  }
}

/** Asks the scripted machines instead of real ones, in the clock's time; `notReady` makes them all say so. */
export class ScriptedProbe extends ReadinessProbe {
  notReady: Readiness | null = null;

  constructor(
    private readonly platform: ScriptedPlatform,
    private readonly time: Clock & { pass(ms: number): void },
  ) {
    super(time);
  }

  override async waitUntilReady(question: ReadinessQuestion, withinMs: number): Promise<Readiness> {
    await Promise.resolve();
    const readiness = this.notReady ?? this.platform.answerOf(question);
    if (readiness.outcome === 'notYet') this.time.pass(withinMs);
    return readiness;
  }
}

export function apiError(status: number, reason: MachinesApiReason, text: string): MachinesApiError {
  return new MachinesApiError(text, { status, body: { error: text }, requestId: null, reason });
}

function remove<T>(list: T[], isWanted: (item: T) => boolean): void {
  for (const item of list.filter(isWanted)) list.splice(list.indexOf(item), 1);
}
