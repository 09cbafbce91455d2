import { readFileSync } from 'node:fs';
import { machinePids, processesWith } from '../../support/processes';

/** The two programs of a machine on LiteFS: `litefs mount`, and the app that it runs. Of an app with several, name the machine. */
export function machineProcesses(appName: string, machineId?: string): { litefs?: number; node?: number } {
  const pids = machineId ? processesWith(`FLY_MACHINE_ID=${machineId}\0`) : machinePids(appName);
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
