import { failedWith } from './errors';
import type { FlyMachine } from './machine-types';
import type { MachinesClient } from './machines-client';
import type { Pause } from './pause';
import type { MachineRef } from './platform';
import { failure } from './platform-failures';

/** A wait for one state does not end when the machine went another way: that is looked at this often. Fly allows 60. */
const LOOK_SECONDS = 2;

/** States in which a machine is on its way to another one; everything else has settled. */
const ON_THE_WAY = new Set([
  'creating',
  'starting',
  'stopping',
  'restarting',
  'suspending',
  'updating',
  'replacing',
  'destroying',
]);

const AT_REST = ['stopped', 'suspended', 'destroyed', 'failed'];

export const isOnTheWay = (machine: FlyMachine) => ON_THE_WAY.has(machine.state);
export const isAtRest = (machine: FlyMachine) => AT_REST.includes(machine.state) || machine.state === 'created';

/** Follows a machine to a state, within the signal's time. */
export class FlyStates {
  constructor(
    private readonly client: MachinesClient,
    private readonly pause: Pause,
  ) {}

  /** Reads the machine until it is in no in-between state. */
  async settled(ref: MachineRef, signal: AbortSignal): Promise<FlyMachine> {
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
      const machine = await this.client.getMachine(ref.appName, ref.machineId, signal);
      if (!isOnTheWay(machine)) return machine;
      await this.pause(pauseMs, signal);
    }
  }

  /** `started` on the platform; throws `unavailable` when the machine ended instead. */
  async started(ref: MachineRef, signal: AbortSignal): Promise<void> {
    for (;;) {
      if (await this.#reached(ref, { states: ['started'] }, signal)) return;
      const machine = await this.client.getMachine(ref.appName, ref.machineId, signal);
      if (machine.state === 'started') return;
      if (isOnTheWay(machine)) continue;
      throw failure(`The machine ${ref.machineId} was started and is ${machine.state}.`, 200, 'unavailable', {
        body: machine,
      });
    }
  }

  /** Stopped, or suspended, or gone. Throws `conflict` when somebody started the machine again before its stop was seen. */
  async stopped(ref: MachineRef, signal: AbortSignal): Promise<void> {
    // Bound to this version: a wait must not end, or not end, because of another one.
    let { version, state } = await this.client.getMachine(ref.appName, ref.machineId, signal);
    while (!AT_REST.includes(state)) {
      if (await this.#reached(ref, { states: AT_REST, version }, signal)) return;
      ({ version, state } = await this.client.getMachine(ref.appName, ref.machineId, signal));
      if (state === 'started' || state === 'starting') {
        throw failure(`The machine ${ref.machineId} was asked to stop and is ${state}.`, 200, 'conflict');
      }
    }
  }

  /** One wait. A 404 says that the version, or a machine that is quite new, is not known: looking tells what there is. */
  async #reached(ref: MachineRef, wait: { states: string[]; version?: string }, signal: AbortSignal): Promise<boolean> {
    try {
      await this.client.waitMachine(ref.appName, ref.machineId, { ...wait, timeoutSeconds: LOOK_SECONDS }, signal);
      return true;
    } catch (error) {
      if (failedWith(error, 'not_found')) await this.pause(250, signal);
      else if (!failedWith(error, 'timeout')) throw error;
      return false;
    }
  }
}
