import type { Clock } from '@app/common/time/clock';
import type { Logger } from '@app/common/logging/logger';
import { newAddress } from './addresses';
import { absent, ApiError, invalid, refusedNow } from './api-error';
import { newMachineId, newUlid } from './ids';
import type { Images } from './images';
import type { Litefs } from './litefs';
import { object, parseMachineConfig, parseStop, textMap, type MachineConfig } from './machine-request';
import { nextState, type Happening } from './machine-state';
import { parseRegion } from './regions';
import type { ExitEvent, MachineEventRecord, MachineRecord } from './records';
import type { Runner, StopOrder } from './runner';
import type { ProcessRecord, Store } from './store';
import type { Volumes } from './volumes';
import { Waits, type Waited, type WaitQuery } from './waits';

const DEFAULT_STOP = { signal: 'SIGINT', timeoutMs: 5000 } as const; // Fly's

export interface MachinesOptions {
  store: Store;
  volumes: Volumes;
  images: Images;
  runner: Runner;
  litefs: Litefs;
  clock: Clock;
  log: Logger;
}

/**
 * Machines as child processes, with Fly's states, versions and refusals. Each method does its part without a pause between
 * looking at a machine's state and writing the next one, so that two requests cannot both win. Restart policies are not
 * carried out: every machine is one of policy `no`.
 */
export class Machines {
  readonly #store: Store;
  readonly #volumes: Volumes;
  readonly #images: Images;
  readonly #runner: Runner;
  readonly #litefs: Litefs;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #waits = new Waits();
  #isClosing = false;

  constructor(options: MachinesOptions) {
    this.#store = options.store;
    this.#volumes = options.volumes;
    this.#images = options.images;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#runner = options.runner;
    this.#litefs = options.litefs;
  }

  /** The machine as it was made; without `skip_launch` it is started before this returns. */
  create(appName: string, body: unknown): MachineRecord {
    const request = object(body, 'the body');
    const config = parseMachineConfig(request['config']);
    const id = newMachineId();
    const name = parseName(request['name']) ?? `${appName}-${id}`;
    this.#images.find(config.image);
    const existing = this.#store.machineNamed(appName, name);
    if (existing) {
      throw new ApiError(
        409,
        `already_exists: unique machine name violation, machine ID ${existing.id} already exists with name ${name}`,
      );
    }
    const region = this.#checkVolume(appName, config, request['region']);
    const now = this.#clock.now();
    const { ip, port } = newAddress(this.#store);
    const launches = request['skip_launch'] !== true;
    const machine: MachineRecord = {
      id,
      appName,
      name,
      state: 'created',
      region,
      version: newUlid(now),
      config,
      privateIp: ip,
      privatePort: port,
      createdAt: now,
      updatedAt: now,
      events: [this.#event('launch', 'created')],
    };
    // Fly answers `created` and goes on from there. A machine that is not launched has arrived: it is written as it will stay.
    this.#store.insertMachine(launches ? machine : { ...machine, state: moved(machine, 'skip_launch') });
    if (launches) this.#launch(machine, 'launch');
    return { ...machine, state: 'created' };
  }

  get(appName: string, id: string): MachineRecord {
    const machine = this.#store.machine(appName, id);
    if (!machine || machine.state === 'destroyed') throw absent('machine');
    return machine;
  }

  /** Destroyed ones included. */
  list(appName: string): MachineRecord[] {
    return this.#store.machines(appName);
  }

  running(appName: string): MachineRecord[] {
    return this.list(appName).filter(({ id }) => this.#runner.processOf(id));
  }

  /** The whole configuration is replaced under a new version; a running machine restarts, a stopped one stays stopped. */
  update(appName: string, id: string, body: unknown): MachineRecord {
    const machine = this.get(appName, id);
    const request = object(body, 'the body');
    const config = parseMachineConfig(request['config']);
    const expected = request['current_version'];
    if (expected !== undefined && expected !== machine.version) {
      throw refusedNow(`machine version is ${machine.version}, not the one that was given`);
    }
    if (request['name'] !== undefined && request['name'] !== machine.name) throw invalid('a name cannot be changed');
    if (request['region'] !== undefined && parseRegion(request['region']) !== machine.region) {
      throw invalid('a region cannot be changed');
    }
    if (config.mounts?.[0]?.volume !== machine.config.mounts?.[0]?.volume) {
      throw invalid('the volume of a machine cannot be changed');
    }
    this.#images.find(config.image);
    const previous = machine.config;
    machine.state = moved(machine, 'update');
    machine.config = config;
    machine.version = newUlid(this.#clock.now());
    this.#record(machine, 'update');
    this.#store.saveMachine(machine);
    this.#waits.reached(machine);
    if (machine.state === 'replacing') {
      void this.#replace(machine, 'replacing', stopOrderOf(previous), request['skip_launch'] === true);
    }
    return { ...machine };
  }

  /** Returns at once, the machine `restarting`; its version stays. A 412 where it does not run. */
  restart(appName: string, id: string, asked: { signal?: string | null; timeout?: string | null }): void {
    const machine = this.get(appName, id);
    const { signal, timeout } = asked;
    const order = parseStop({ ...(signal ? { signal } : {}), ...(timeout ? { timeout } : {}) }, 'the query');
    machine.state = moved(machine, 'restart');
    this.#record(machine, 'restart');
    this.#store.saveState(machine, this.#runner.processOf(id));
    this.#waits.reached(machine);
    void this.#replace(machine, 'restarting', { ...stopOrderOf(machine.config), ...order }, false);
  }

  /**
   * Returns at once, the machine `suspending`. A process cannot be kept here as Fly keeps a machine's memory: it ends as for a
   * stop, and the start that follows is a cold one, which Fly's clients have to expect as well.
   */
  suspend(appName: string, id: string): void {
    const machine = this.get(appName, id);
    const state = moved(machine, 'suspend');
    if (state === machine.state) return;
    machine.state = state;
    this.#record(machine, 'suspend');
    this.#store.saveState(machine, this.#runner.processOf(id));
    this.#waits.reached(machine);
    this.#runner.end(id, stopOrderOf(machine.config));
  }

  /** Newest first, at most so many; no more than 50 are kept. */
  events(appName: string, id: string, limit: number): MachineEventRecord[] {
    return this.get(appName, id).events.slice(0, limit);
  }

  /** Returns with the process running. A 412 where the machine's state or a missing volume forbids it. */
  start(appName: string, id: string): { previous: MachineRecord } {
    const machine = this.get(appName, id);
    const previous = { ...machine };
    const state = moved(machine, 'start');
    if (state !== machine.state) this.#launch(machine, 'start');
    return { previous };
  }

  /** Returns at once, the machine `stopping`; it is killed when it has not ended in time. */
  stop(appName: string, id: string, body: unknown): void {
    const machine = this.get(appName, id);
    const asked = parseStop(body, 'the body');
    const state = moved(machine, 'stop');
    if (state === machine.state) return;
    machine.state = state;
    this.#store.saveState(machine, this.#runner.processOf(id));
    this.#waits.reached(machine);
    this.#runner.end(id, { ...stopOrderOf(machine.config), ...asked });
  }

  /** Resolves when the machine and all that was its own, but not its volume, are gone. */
  async delete(appName: string, id: string, force: boolean): Promise<void> {
    const machine = this.get(appName, id);
    machine.state = moved(machine, force ? 'force_destroy' : 'destroy');
    this.#store.saveMachine(machine);
    this.#waits.reached(machine);
    await this.#runner.kill(id);
    this.#clear(id, appName);
  }

  async deleteAll(appName: string): Promise<void> {
    const left = this.list(appName).filter(({ state }) => state !== 'destroyed');
    await Promise.all(left.map(({ id }) => this.delete(appName, id, true)));
  }

  async wait(appName: string, id: string, wait: WaitQuery, signal: AbortSignal): Promise<Waited> {
    const machine = this.get(appName, id);
    if (wait.version && wait.version !== machine.version) throw absent(`machine version ${wait.version}`);
    return this.#waits.wait(machine, wait.states, wait.timeoutMs, signal);
  }

  metadata(appName: string, id: string): Record<string, string> {
    return this.get(appName, id).config.metadata ?? {};
  }

  /** Neither a new version nor a restart; an empty value or null removes the key. */
  patchMetadata(appName: string, id: string, patch: Record<string, string | null>, version?: unknown): void {
    const machine = this.get(appName, id);
    if (version !== undefined && version !== machine.version) throw refusedNow(`machine version is ${machine.version}`);
    const merged = Object.entries({ ...machine.config.metadata, ...patch }).filter(([, value]) => value);
    machine.config = {
      ...machine.config,
      metadata: textMap(Object.fromEntries(merged), 'metadata') ?? {},
    };
    this.#store.saveMachine(machine);
  }

  log(appName: string, id: string, bytes: number): string {
    return this.#runner.readLog(this.get(appName, id).id, bytes);
  }

  /** Before the first request: machines of the run before are stopped, half-made and half-destroyed ones put right. */
  repair(): void {
    for (const machine of this.#store.allMachines()) {
      const state = moved(machine, 'platform_restarted');
      if (state === 'destroying') this.#clear(machine.id, machine.appName);
      else if (state !== machine.state) {
        machine.state = state;
        this.#store.saveState(machine, null);
      }
    }
    this.#runner.removeOtherDirectories(new Set(this.#store.allMachines().map(({ id }) => id)));
  }

  /** Stops every machine within the time, and starts none any more. */
  async close(withinMs: number): Promise<void> {
    this.#isClosing = true;
    await this.#runner.close({ signal: 'SIGTERM', timeoutMs: withinMs });
  }

  #checkVolume(appName: string, config: MachineConfig, region: unknown): string {
    const volumeId = config.mounts?.[0]?.volume;
    if (volumeId === undefined) return parseRegion(region ?? 'local');
    const volume = this.#store.volume(appName, volumeId);
    if (!volume) throw refusedNow(`volume ${volumeId} not found`);
    this.#volumes.requireDirectory(volumeId);
    const holder = this.#store.machineOfVolume(volumeId);
    if (holder) throw refusedNow(`volume ${volumeId} is currently bound to machine: ${holder.id}`);
    if (region !== undefined && parseRegion(region) !== volume.region) {
      throw refusedNow(`volume ${volumeId} is in region ${volume.region}, not ${parseRegion(region)}`);
    }
    return volume.region;
  }

  #launch(machine: MachineRecord, happening: Extract<Happening, 'launch' | 'start' | 'replaced'>): void {
    if (this.#isClosing) throw new ApiError(503, 'the platform is ending');
    const { appName: app, id, config } = machine;
    const volumeId = config.mounts?.[0]?.volume;
    const volumeDir = volumeId === undefined ? null : this.#volumes.requireDirectory(volumeId);
    const image = this.#images.find(config.image);
    this.#litefs.require(machine);
    machine.state = moved(machine, happening);
    let process: ProcessRecord;
    try {
      process = this.#runner.run(machine, image, volumeDir, (exit) => this.#exited(app, id, exit));
    } catch (error) {
      this.#log.error({ machine: id, tenantApp: app, error }, 'machine.spawn_failed');
      machine.state = moved(machine, 'spawn_failed');
      this.#store.saveState(machine, null);
      this.#waits.reached(machine);
      throw new ApiError(500, `failed to launch VM: ${(error as Error).message}`);
    }
    machine.state = moved(machine, 'spawned');
    this.#record(machine, 'start');
    try {
      this.#store.saveState(machine, process);
    } catch (error) {
      void this.#runner.kill(id); // the row says that nothing runs: so nothing may
      throw error;
    }
    this.#waits.reached(machine);
    this.#log.info({ machine: id, tenantApp: app, pid: process.pid }, 'machine.started');
  }

  #exited(appName: string, id: string, exit: ExitEvent): void {
    const machine = this.#store.machine(appName, id);
    if (!machine) return;
    machine.state = moved(machine, 'exited');
    this.#record(machine, 'exit', exit);
    this.#store.saveState(machine, null);
    this.#waits.reached(machine);
    this.#log.info({ machine: id, tenantApp: appName, ...exit }, 'machine.exited');
  }

  async #replace(
    { appName, id }: MachineRecord,
    during: 'replacing' | 'restarting',
    order: StopOrder,
    skipLaunch: boolean,
  ): Promise<void> {
    this.#runner.end(id, order);
    await this.#runner.exited(id);
    const machine = this.#isClosing ? null : this.#store.machine(appName, id);
    if (machine?.state !== during) return; // destroyed meanwhile
    try {
      if (!skipLaunch) return this.#launch(machine, 'replaced');
    } catch (error) {
      this.#log.error({ machine: id, tenantApp: appName, error }, 'machine.replace_failed');
      if (machine.state !== during) return;
    }
    machine.state = moved(machine, 'replaced_without_launch');
    this.#store.saveState(machine, null);
    this.#waits.reached(machine);
  }

  #clear(id: string, appName: string): void {
    const machine = this.#store.machine(appName, id);
    if (!machine || machine.state !== 'destroying') return; // a delete that came at the same time was first
    this.#runner.removeDirectory(id);
    machine.state = moved(machine, 'cleared');
    this.#record(machine, 'destroy');
    this.#store.saveMachine(machine);
    this.#waits.reached(machine);
  }

  #record(machine: MachineRecord, type: MachineEventRecord['type'], exit?: ExitEvent): void {
    machine.updatedAt = this.#clock.now();
    machine.events = [this.#event(type, machine.state, exit), ...machine.events];
  }

  #event(type: MachineEventRecord['type'], status: MachineRecord['state'], exit?: ExitEvent): MachineEventRecord {
    const timestamp = this.#clock.now();
    const source = type === 'exit' ? 'flyd' : 'user';
    return {
      id: newUlid(timestamp),
      type,
      status,
      source,
      timestamp,
      ...(exit ? { request: { exit_event: exit } } : {}),
    };
  }
}

/** The state that follows, or a 412 in Fly's words. */
function moved(machine: MachineRecord, happening: Happening): MachineRecord['state'] {
  const next = nextState(machine.state, happening);
  if ('refusal' in next) throw refusedNow(next.refusal);
  return next.state;
}

function parseName(name: unknown): string | undefined {
  if (name === undefined) return undefined;
  if (typeof name !== 'string' || !/^[A-Za-z0-9][\w-]{0,62}$/.test(name))
    throw invalid('name: letters, digits and dashes');
  return name;
}

const stopOrderOf = (config: MachineConfig) => ({
  ...DEFAULT_STOP,
  ...parseStop(config.stop_config, 'config.stop_config'),
});
