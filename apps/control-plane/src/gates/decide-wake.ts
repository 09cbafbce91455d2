import type { Seen, SeenMachine } from '@app/minifly-client/platform';

export type WakeStep =
  /** `isRunning`: it need not be started, only asked. */
  | { do: 'start'; isRunning: boolean; needsUpdate: boolean }
  /** It does not run, and it was not to be started. */
  | { do: 'leave_asleep'; state: string }
  /** It is between two states, and it was not to be started: a later look tells. */
  | { do: 'leave_alone'; state: string }
  /** Something that the row names is not there: provisioning finds out what is to be done. */
  | { do: 'hand_over'; code: 'app_missing' | 'machine_missing' | 'volume_missing'; detail: string };

const SETTLED = new Set(['created', 'stopped', 'suspended', 'failed']);

/** What a wake (`start`), or a look at what should be awake (`adopt`), does after what the platform showed. Pure. */
export function decideWake(
  app: { appName: string; machineId: string | null; volumeId: string | null },
  seen: Seen,
  isOutdated: (env: Record<string, string>) => boolean,
  mode: 'start' | 'adopt',
): WakeStep {
  if (seen.app !== 'ours') return handOver('app_missing', `The platform does not show ${app.appName} as ours.`);
  const machine = machineOf(app, seen);
  if (!machine) return handOver('machine_missing', `The platform does not show the machine ${app.machineId}.`);
  if (!seen.volumes.some(({ id }) => id === app.volumeId)) {
    return handOver('volume_missing', `The platform does not show the volume ${app.volumeId}.`);
  }
  if (mode === 'start') {
    return { do: 'start', isRunning: machine.state === 'started', needsUpdate: isOutdated(machine.env) };
  }
  if (machine.state === 'started') return { do: 'start', isRunning: true, needsUpdate: false };
  return { do: SETTLED.has(machine.state) ? 'leave_asleep' : 'leave_alone', state: machine.state };
}

/** The row's own machine, among those that bear the tenant's id. */
export function machineOf(app: { machineId: string | null }, seen: Seen): SeenMachine | undefined {
  return seen.machines.find(({ id }) => id === app.machineId);
}

function handOver(code: 'app_missing' | 'machine_missing' | 'volume_missing', detail: string): WakeStep {
  return { do: 'hand_over', code, detail };
}
