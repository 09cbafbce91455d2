import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessRecord } from './store';

const PATIENCE_MS = 2000;
const GIVE_UP_MS = 10_000;
const POLL_MS = 20;

/**
 * Waits until no process of an earlier platform on this state directory is left: the recorded ones (pid and start time), and
 * any whose working directory is a machine's (one that was started a moment before the platform was killed is in no record).
 * They end by themselves within milliseconds; one that does not is killed. Throws where even that did not help.
 * Without /proc (not on Linux) it has nothing to look at.
 */
export async function waitForPreviousRun(records: ProcessRecord[], machinesDir: string): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    const left = new Set([...records.filter(isRunning).map(({ pid }) => pid), ...processesIn(machinesDir)]);
    if (left.size === 0) return;
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > GIVE_UP_MS) {
      throw new Error(`Processes of an earlier run do not end: ${[...left].join(', ')}. End them and start again.`);
    }
    if (waitedMs > PATIENCE_MS) for (const pid of left) killQuietly(pid);
    await sleep(POLL_MS);
  }
}

/** The system's own word for when a process began; null where there is none of this pid, or it has ended and waits to be reaped. */
export function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before may contain anything
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

const isRunning = ({ pid, startedAt }: ProcessRecord) => startedAt !== '' && startTimeOf(pid) === startedAt;

function processesIn(dir: string): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => workingDirectory(pid).startsWith(`${dir}/`))
    .map(Number);
}

function workingDirectory(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return ''; // ended in between, or not ours to see
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended in between
  }
}
