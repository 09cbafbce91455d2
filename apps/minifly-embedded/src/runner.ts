import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@app/common/logging/logger';
import { Child } from './child';
import type { Image } from './images';
import { isOnLitefs, type Litefs } from './litefs';
import { machineEnv, memoryMbOf } from './machine-env';
import { boundLog, readLog } from './machine-log';
import { memoryUseMb } from './memory-use';
import type { ExitEvent, MachineRecord } from './records';
import type { ProcessRecord } from './store';

const LOOK_INTERVAL_MS = 500;

export interface StopOrder {
  signal: NodeJS.Signals;
  timeoutMs: number;
}

/** A machine's process, and what was done to it since it was started. */
interface Running {
  child: Child;
  process: ProcessRecord;
  limitMb: number;
  onLitefs: boolean;
  stopRequested: boolean;
  outOfMemory: boolean;
}

/** The processes of the machines, their directories and logs, and the limits they are held to. */
export class Runner {
  readonly #root: string;
  readonly #log: Logger;
  readonly #litefs: Litefs;
  readonly #running = new Map<string, Running>();
  readonly #looking: NodeJS.Timeout;

  constructor(stateDir: string, log: Logger, litefs: Litefs) {
    this.#root = machinesDir(stateDir);
    this.#log = log;
    this.#litefs = litefs;
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    this.#looking = setInterval(() => this.#lookAtRunning(), LOOK_INTERVAL_MS);
  }

  /** Starts the machine's process; throws where the system gives none. `onExit` comes once, whatever ended it. */
  run(
    machine: MachineRecord,
    image: Image,
    volumeDir: string | null,
    onExit: (exit: ExitEvent) => void,
  ): ProcessRecord {
    if (this.#running.has(machine.id)) throw new Error('The machine has a process already.'); // never two on one volume
    const workDir = join(this.#root, machine.id, 'work');
    mkdirSync(workDir, { recursive: true, mode: 0o700 });
    const limitMb = memoryMbOf(machine);
    const command = withHeapLimit(image.command, limitMb);
    const env = machineEnv(machine, image, volumeDir);
    const onLitefs = isOnLitefs(machine);
    const child = Child.spawn({
      command: onLitefs ? this.#litefs.command(command) : command,
      env: onLitefs ? { ...env, ...this.#litefs.env(machine) } : env,
      cwd: workDir,
      logFile: this.#logFile(machine.id),
    });
    const process = { machineId: machine.id, pid: child.pid, startedAt: child.startedAt };
    const running: Running = { child, process, limitMb, onLitefs, stopRequested: false, outOfMemory: false };
    this.#running.set(machine.id, running);
    void child.exited.then(({ code, signal }) => {
      this.#running.delete(machine.id);
      const { outOfMemory, stopRequested } = running;
      if (onLitefs) this.#takeMountAway(machine.id);
      onExit({ exit_code: code, signal, oom_killed: outOfMemory, requested_stop: stopRequested });
    });
    return process;
  }

  /** Null where the machine does not run. */
  processOf(id: string): ProcessRecord | null {
    return this.#running.get(id)?.process ?? null;
  }

  /** Asks the process to end; it is killed when it has not after the time. */
  end(id: string, { signal, timeoutMs }: StopOrder): void {
    const running = this.#running.get(id);
    if (!running) return;
    running.stopRequested = true;
    running.child.stop(signal, timeoutMs);
  }

  async kill(id: string): Promise<void> {
    this.#running.get(id)?.child.kill();
    await this.exited(id);
  }

  /** Resolves after `onExit`, at once where nothing runs. */
  async exited(id: string): Promise<void> {
    await this.#running.get(id)?.child.exited;
  }

  async close(order: StopOrder): Promise<void> {
    clearInterval(this.#looking);
    const ids = [...this.#running.keys()];
    for (const id of ids) this.end(id, order);
    await Promise.all(ids.map((id) => this.exited(id)));
  }

  readLog(id: string, bytes: number): string {
    return readLog(this.#logFile(id), bytes);
  }

  removeDirectory(id: string): void {
    rmSync(join(this.#root, id), { recursive: true, force: true });
  }

  /** Directories of machines that no longer exist. */
  removeOtherDirectories(ids: ReadonlySet<string>): void {
    for (const name of readdirSync(this.#root)) if (!ids.has(name)) this.removeDirectory(name);
  }

  #lookAtRunning(): void {
    for (const [id, running] of this.#running) {
      boundLog(this.#logFile(id));
      const usedMb = memoryUseMb(running.child.pid, { withChildren: running.onLitefs });
      if (usedMb === null || usedMb <= running.limitMb) continue;
      this.#log.warn({ machine: id, usedMb: Math.round(usedMb), limitMb: running.limitMb }, 'machine.out_of_memory');
      running.outOfMemory = true;
      running.child.kill();
    }
  }

  #takeMountAway(id: string): void {
    try {
      this.#litefs.clean(id);
    } catch (error) {
      this.#log.error({ machine: id, error }, 'machine.mount_left'); // its next start tries again, and says so where it cannot
    }
  }

  #logFile(id: string): string {
    return join(this.#root, id, 'machine.log');
  }
}

export const machinesDir = (stateDir: string) => join(stateDir, 'machines');

/**
 * Node collects its garbage in time only when it knows its limit. The rest of the memory is for what is not on V8's heap:
 * buffers, SQLite's cache, the program itself.
 */
function withHeapLimit([program, ...args]: Image['command'], memoryMb: number): Image['command'] {
  if (program !== process.execPath) return [program, ...args];
  return [program, `--max-old-space-size=${Math.max(16, Math.floor(memoryMb * 0.6))}`, ...args];
}
