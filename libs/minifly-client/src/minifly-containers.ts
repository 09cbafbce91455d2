import { setTimeout as sleep } from 'node:timers/promises';
import type { Container, Containers } from './containers';
import { failedWith, MachinesApiError } from './errors';
import type { FlyMachine, MachineConfig } from './machine-types';
import type { MachinesClient } from './machines-client';
import { toErasingConfig } from './minifly-config';
import type { LedgerMachine, LedgerPage } from './minifly-ledger';
import { realPause } from './pause';
import type { AppSpec, MachineSpec } from './platform';
import { failure, notOurs } from './platform-failures';

/** Seconds, as a number: `10s` would be read as 30. The signal is Docker's, SIGTERM. */
const STOP_TIMEOUT = '10';

/** How often Docker is asked whether a container runs that Minifly was told to start. */
const START_LOOK_MS = 20;

/** What is done to one app's containers: through Minifly, and through Docker where Minifly has forgotten them. Nothing is kept here. */
export class MiniflyContainers {
  readonly #client: MachinesClient;
  readonly #containers: Containers;

  constructor(client: MachinesClient, containers: Containers) {
    this.#client = client;
    this.#containers = containers;
  }

  list(appName: string, signal: AbortSignal): Promise<Container[]> {
    return this.#containers.list(appName, signal);
  }

  /** `machineId`: Minifly's. */
  async find(appName: string, machineId: string | null, signal: AbortSignal): Promise<Container | undefined> {
    const containers = await this.list(appName, signal);
    return containers.find((container) => container.machineId === machineId);
  }

  /** Returns when it was asked to end; whether it has is seen by looking. */
  async stop(app: AppSpec, own: Container, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.stopMachine(app.appName, own.machineId, { timeout: STOP_TIMEOUT }, signal);
    } catch (error) {
      if (failedWith(error, 'not_found')) await this.#containers.stop(own.machineId, app.tenantId, signal);
      else if (!isDockersRefusal(error)) throw error;
    }
  }

  /** Containers on the machine's volume that are not its own: of a create whose answer was lost, or of an older configuration. */
  async strays(page: LedgerPage, machine: LedgerMachine, signal: AbortSignal): Promise<Container[]> {
    const taken = new Set(page.machines.filter(({ name }) => name !== machine.name).map(({ madeAs }) => madeAs));
    const strays: Container[] = [];
    for (const container of await this.#containers.list(page.appName, signal)) {
      if (container.machineId === machine.madeAs || taken.has(container.machineId)) continue;
      const volumeId = container.volumeId ?? (await this.#volumeOf(page.appName, container, signal));
      if (volumeId === null || volumeId === machine.spec.volumeId) strays.push(container);
    }
    return strays;
  }

  async #volumeOf(appName: string, { machineId }: Container, signal: AbortSignal): Promise<string | null> {
    const machine = await orNull(this.#client.getMachine(appName, machineId, signal));
    return machine?.config?.mounts?.[0]?.volume ?? null;
  }

  /** False when it has to be made anew: Minifly does not know it, or Docker has it no more or cannot start it. */
  async startAgain(appName: string, own: Container, signal: AbortSignal): Promise<boolean> {
    const answered = new AbortController();
    try {
      // Minifly sleeps for half a second between the container's start and its answer: Docker tells sooner.
      const answer = this.#client.startMachine(appName, own.machineId, signal).finally(() => answered.abort());
      await Promise.race([
        answer,
        this.#untilStarted(appName, own, AbortSignal.any([signal, answered.signal]), answer),
      ]);
      return true;
    } catch (error) {
      if (failedWith(error, 'not_found') || isDockersRefusal(error)) return false;
      throw error;
    }
  }

  /** Ends with the answer where that comes first. */
  async #untilStarted(appName: string, own: Container, signal: AbortSignal, answer: Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await sleep(START_LOOK_MS, undefined, { signal }).catch(() => undefined);
      const containers = await this.#containers.list(appName, signal).catch(() => []);
      if (containers.some(({ machineId, state }) => machineId === own.machineId && state === 'started')) return;
    }
    await answer;
  }

  async create(
    app: AppSpec,
    request: { name: string; region: string; config: MachineConfig },
    signal: AbortSignal,
  ): Promise<FlyMachine> {
    try {
      return await this.#client.createMachine(app.appName, request, signal);
    } catch (error) {
      throw isDockersRefusal(error) ? refusedByDocker(error) : error;
    }
  }

  async discardAll(app: AppSpec, containers: Container[], signal: AbortSignal): Promise<void> {
    for (const container of containers) await this.#discard(app, container, signal);
  }

  /**
   * Through Minifly where it still knows the machine, else through Docker. One that Minifly has forgotten and that does not run may stay
   * where only a locator can be asked: nobody starts it again, and docker/minifly.sh removes it at its next start.
   */
  async #discard(app: AppSpec, container: Container, signal: AbortSignal): Promise<void> {
    const { machineId } = container;
    const machine = await orNull(this.#client.getMachine(app.appName, machineId, signal));
    if (machine) {
      if (tenantOf(machine) !== app.tenantId) throw notOurs(`The machine ${machineId}`, app.tenantId);
      // Minifly's delete waits half a minute for one that minds no SIGTERM, as LiteFS does until it has found its primary.
      if (!isAtRest(container)) {
        await orRefused(this.#client.stopMachine(app.appName, machineId, { timeout: STOP_TIMEOUT }, signal));
      }
      await orRefused(doneWhenGone(this.#client.deleteMachine(app.appName, machineId, { force: true }, signal)));
      const left = await this.#containers.list(app.appName, signal);
      if (!left.some((one) => one.machineId === machineId)) return;
    }
    try {
      await this.#containers.remove(machineId, app.tenantId, signal);
    } catch (error) {
      const isHarmless = !machine && isAtRest(container);
      if (!isHarmless || !failedWith(error, 'conflict')) throw error;
    }
  }

  /** Empties the volume by a container that mounts it; what is left is an empty directory of Minifly's. */
  async erase(spec: MachineSpec, signal: AbortSignal): Promise<void> {
    const name = `${spec.appName}-erase`;
    const made = await this.create(spec, { name, region: spec.region, config: toErasingConfig(spec) }, signal);
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
      const containers = await this.#containers.list(spec.appName, signal);
      const own = containers.find(({ machineId }) => machineId === made.id);
      if (!own || own.state === 'stopped') {
        if (own) await this.#discard(spec, own, signal);
        if (own?.exitCode === 0) return;
        throw failure(`The volume ${spec.volumeId} could not be emptied.`, 200, 'unknown');
      }
      await realPause(pauseMs, signal);
    }
  }
}

export const tenantOf = (machine: FlyMachine | null) => machine?.config?.env?.['TENANT_ID'];
export const isAtRest = ({ state }: Container) => state === 'stopped' || state === 'created';

/** Minifly's 500 when Docker did not do what it asked: an answer about this machine, and not that Minifly is away. */
function isDockersRefusal(error: unknown): error is MachinesApiError {
  return failedWith(error, 'unavailable') && error.status === 500;
}

function refusedByDocker(error: MachinesApiError): MachinesApiError {
  const { status, body, requestId, message } = error;
  const text = `${message} (Minifly does not say why; is the image there, and built for this?)`;
  return new MachinesApiError(text, { status, body, requestId, reason: 'unknown', cause: error });
}

export async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (failedWith(error, 'not_found')) return null;
    throw error;
  }
}

/** Docker did not do what Minifly asked: what there is is looked at afterwards. */
async function orRefused(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isDockersRefusal(error)) throw error;
  }
}

export async function doneWhenGone(call: Promise<void>): Promise<void> {
  await orNull(call);
}
