import type { MachinesApiError } from './errors';
import { failure } from './platform-failures';

/** A container that Minifly made, as Docker shows it now. */
export interface Container {
  /** Minifly's id of the machine, from the label `minifly.machine_id`. */
  machineId: string;
  appName: string;
  /** In Fly's words. Minifly's own word is not asked: it says `started` of a process that has ended. */
  state: 'created' | 'starting' | 'started' | 'stopping' | 'stopped';
  /** Null while it has not ended. */
  exitCode: number | null;
  /** The volume that it mounts; null also where that is not shown. */
  volumeId: string | null;
  /** Where a port of it is reached from here, such as `http://127.0.0.1:32768`; null where it is not. */
  originOf(port: number): string | null;
}

/**
 * What Docker knows and Minifly does not tell: which containers there are, and where they are reached. Nothing is remembered: a port
 * changes at each start. All throw `MachinesApiError`: reason `unavailable` when Docker could not be asked, `conflict` when it may not be asked this.
 */
export interface Containers {
  /** All of the app, running or not. */
  list(appName: string, signal: AbortSignal): Promise<Container[]>;
  /** Ten seconds for its SIGTERM, then SIGKILL; returns when it has ended. Gone counts as done. */
  stop(machineId: string, tenantId: string, signal: AbortSignal): Promise<void>;
  /**
   * Stops and removes the machine's container, once its environment was seen to bear the tenant id, and returns when it was seen gone.
   * Gone already counts as done.
   */
  remove(machineId: string, tenantId: string, signal: AbortSignal): Promise<void>;
}

export const LABELS = {
  managed: 'minifly.managed=true',
  app: 'minifly.app_name',
  machine: 'minifly.machine_id',
} as const;

/** A container's state in Docker's words (created, running, paused, restarting, removing, exited, dead) in Fly's. */
export function toMachineState(dockerState: string): Container['state'] {
  switch (dockerState) {
    case 'created':
      return 'created';
    case 'running':
      return 'started';
    case 'restarting':
      return 'starting';
    case 'exited':
    case 'dead':
      return 'stopped';
    default: // removing, paused: neither serves nor can be started
      return 'stopping';
  }
}

/** Docker's `Exited (0) 3 seconds ago`. */
export function toExitCode(status: string): number | null {
  const [, code] = /^Exited \((\d+)\)/.exec(status) ?? [];
  return code === undefined ? null : Number(code);
}

export function couldNotAskDocker(why: string, cause?: unknown): MachinesApiError {
  return failure(`Docker could not be asked: ${why}`, 0, 'unavailable', { cause });
}
