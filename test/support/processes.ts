import { readdirSync, readFileSync } from 'node:fs';

/** Pids of the processes (Linux) that bear `text` in their command line or environment. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`].some((file) => read(file).includes(text)))
    .filter(isRunning);
}

/** Pids of the app's machines: the processes whose environment names the app, but for the shell that watches each. */
export function machinePids(appName: string): number[] {
  return processesWith(`FLY_APP_NAME=${appName}\0`).filter(
    (pid) => !read(`/proc/${pid}/cmdline`).startsWith('/bin/sh'),
  );
}

/** Pid of the app's machine, or undefined where none runs. */
export function machinePid(appName: string): number | undefined {
  return machinePids(appName)[0];
}

/** Pid of the embedded platform that serves `dataDir`. */
export function platformPid(dataDir: string): number | undefined {
  return processesWith(dataDir).find((pid) => read(`/proc/${pid}/cmdline`).includes('minifly-embedded'));
}

/** Neither gone nor a zombie. */
export function isRunning(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== '' && stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
}

/** The most resident memory that the process ever had, MB. */
export function peakMemoryMb(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // ended meanwhile, or another user's
  }
}
