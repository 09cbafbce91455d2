import { ApiError, invalid } from './api-error';
import { isSettled, type MachineState } from './machine-state';
import type { MachineRecord } from './records';

export interface Waited {
  state: MachineState;
  version: string;
}

export interface WaitQuery {
  states: string[];
  timeoutMs: number;
  version: string | null;
}

interface Waiter {
  wants: (state: MachineState) => boolean;
  resolve: (waited: Waited) => void;
  last: MachineState;
}

const STATES: ReadonlySet<string> = new Set(['started', 'stopped', 'suspended', 'destroyed', 'failed', 'settled']);

/** What `GET …/wait` asks, checked as Fly does. */
export function parseWait(query: URLSearchParams): WaitQuery {
  const states = query.getAll('state').flatMap((text) => text.split(','));
  const unknown = states.find((state) => !STATES.has(state));
  if (unknown !== undefined) throw invalid(`invalid WaitMachineRequest.State: ${JSON.stringify(unknown)}`);
  const timeout = /^(\d+(?:\.\d+)?)s?$/.exec(query.get('timeout') ?? '60')?.[1];
  const timeoutMs = Number(timeout) * 1000;
  if (!(timeoutMs >= 1000 && timeoutMs <= 60_000)) {
    throw invalid('invalid WaitMachineRequest.Timeout: value must be inside range [1s, 1m0s]');
  }
  return {
    states: states.length > 0 ? states : ['started'],
    timeoutMs,
    version: query.get('version') ?? query.get('instance_id'),
  };
}

/** Those who wait for a machine to reach a state. */
export class Waits {
  readonly #waiters = new Map<string, Set<Waiter>>();

  /** Resolves at once where the machine is there already; a 408 in Fly's words after the time; the signal frees the place. */
  async wait(machine: MachineRecord, states: string[], timeoutMs: number, signal: AbortSignal): Promise<Waited> {
    const wants = (state: MachineState) => states.includes(state) || (states.includes('settled') && isSettled(state));
    if (wants(machine.state)) return { state: machine.state, version: machine.version };

    const waiters = this.#waiters.get(machine.id) ?? new Set();
    this.#waiters.set(machine.id, waiters);
    const { id, state: last } = machine;
    return new Promise<Waited>((resolve, reject) => {
      const end = (outcome: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', clientLeft);
        waiters.delete(waiter);
        if (waiters.size === 0 && this.#waiters.get(id) === waiters) this.#waiters.delete(id);
        outcome();
      };
      const waiter: Waiter = { wants, last, resolve: (waited) => end(() => resolve(waited)) };
      const timer = setTimeout(() => end(() => reject(notReached(states, waiter.last))), timeoutMs);
      const clientLeft = () => end(() => reject(new ApiError(408, 'canceled: the client is gone')));
      signal.addEventListener('abort', clientLeft, { once: true });
      waiters.add(waiter);
    });
  }

  /** Tells those who wait where the machine is now. */
  reached({ id, state, version }: MachineRecord): void {
    for (const waiter of [...(this.#waiters.get(id) ?? [])]) {
      waiter.last = state;
      if (waiter.wants(state)) waiter.resolve({ state, version });
    }
  }
}

function notReached(states: string[], last: MachineState): ApiError {
  const wanted = states.join(', ');
  return new ApiError(408, `deadline_exceeded: machine failed to reach desired state, ${wanted}, currently ${last}`);
}
