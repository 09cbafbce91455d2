import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { startTimeOf } from './previous-run';

/**
 * Runs the program in the shell's place, beside a watcher that reads the pipe on fd 3: its end, which the kernel brings about
 * also when the platform is killed with -9, kills the whole process group, a program in a busy loop included.
 */
const WATCHED = '( read -r _ <&3; kill -9 0 ) & unset PWD OLDPWD SHLVL; exec "$0" "$@" 3<&-';

export interface ChildSpec {
  command: [string, ...string[]];
  env: Record<string, string>;
  cwd: string;
  /** Output is appended here by the process itself: nothing of it goes through the platform. */
  logFile: string;
}

export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process group that lives no longer than this platform. */
export class Child {
  readonly exited: Promise<ChildExit>;
  /** With the pid it says which process this is, also after the pid was given out again. */
  readonly startedAt: string;
  readonly #process: ChildProcess & { pid: number };
  #killTimer: NodeJS.Timeout | undefined;
  #isGone = false;

  /** Throws where the system gives no process. */
  static spawn(spec: ChildSpec): Child {
    const log = openSync(spec.logFile, 'a', 0o600);
    try {
      const process = spawn('/bin/sh', ['-c', WATCHED, ...spec.command], {
        cwd: spec.cwd,
        env: spec.env,
        detached: true,
        stdio: ['ignore', log, log, 'pipe'],
      });
      return new Child(process);
    } finally {
      closeSync(log);
    }
  }

  private constructor(process: ChildProcess) {
    process.once('error', () => undefined); // a failed spawn is the missing pid; a failed kill is a process that has gone
    if (process.pid === undefined) throw new Error('The system gave no process for the machine.');
    this.#process = process as ChildProcess & { pid: number };
    this.startedAt = startTimeOf(process.pid) ?? '';
    process.stdio[3]?.on('error', () => undefined); // the watcher may go first
    this.exited = new Promise((resolve) => {
      process.once('exit', (code, signal) => {
        this.#isGone = true;
        clearTimeout(this.#killTimer);
        this.#killGroup(); // the watcher, and whatever the program left behind
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Asks the program to end and kills the group when it has not after the time. */
  stop(signal: NodeJS.Signals, timeoutMs: number): void {
    if (this.#isGone) return;
    this.#process.kill(signal);
    this.#killTimer ??= setTimeout(() => this.kill(), timeoutMs);
  }

  kill(): void {
    if (!this.#isGone) this.#killGroup();
  }

  #killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // ESRCH: nobody of the group is left
    }
  }
}
