import { readFileSync } from 'node:fs';
import { isRunning, machinePids, processesWith } from '../../support/processes';
import { until } from '../../support/until';

/** Pids of the two programs of a machine on LiteFS: `litefs mount`, and the app that it runs. */
export interface MachinePrograms {
  litefs?: number;
  node?: number;
}

/** Those of an app's machine; of an app with several, name the machine. */
export function machineProcesses(appName: string, machineId?: string): MachinePrograms {
  return programsAmong(machineId ? processesWith(`FLY_MACHINE_ID=${machineId}\0`) : machinePids(appName));
}

/** Returns when both have ended: neither lives long without the other, and in a container the app not at all without LiteFS. */
export async function killPrograms(
  programs: MachinePrograms,
  names: readonly (keyof MachinePrograms)[],
): Promise<void> {
  for (const name of names) {
    const pid = programs[name];
    if (!pid) throw new Error(`There is no ${name} to kill.`);
    killHard(pid);
  }
  await until(() => !isRunning(programs.litefs ?? 0) && !isRunning(programs.node ?? 0), { what: 'both to end' });
}

function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended with the other
  }
}

export function programsAmong(pids: number[]): MachinePrograms {
  const named = (name: string) => pids.find((pid) => programOf(pid) === name);
  return { litefs: named('litefs'), node: named('node') };
}

function programOf(pid: number): string {
  try {
    return (readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '').replace(/^.*\//, '');
  } catch {
    return ''; // ended meanwhile
  }
}
