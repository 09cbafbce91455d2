import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { processesWith } from './processes';
import { until } from './until';

const MAIN = resolve(__dirname, '../../dist/apps/control-plane/main.js');
const started = new Set<ControlPlane>();
let platformEnv: Record<string, string> = {};

/** Where the control planes of this file's journeys have their tenants, when not on embedded platforms of their own. */
export function useTenantsOn(env: Record<string, string>): void {
  platformEnv = env;
}

/** A real control plane as a process of its own, on a free port, with the embedded platform and a data directory of its own. */
export class ControlPlane {
  url = '';
  output = '';
  private constructor(
    readonly child: ChildProcess,
    readonly dataDir: string,
  ) {}

  /** Starts one and waits until it says where it listens. */
  static async start(env: Record<string, string> = {}, dataDir = newDataDir()): Promise<ControlPlane> {
    const plane = ControlPlane.spawn(env, dataDir);
    await plane.listening();
    return plane;
  }

  /** Starts one without waiting. */
  static spawn(env: Record<string, string> = {}, dataDir = newDataDir()): ControlPlane {
    // As `npm start` starts it.
    const child = spawn(process.execPath, ['--max-semi-space-size=32', MAIN], {
      cwd: dataDir, // no .env of the developer's
      env: {
        PATH: process.env.PATH,
        MALLOC_ARENA_MAX: '1',
        PORT: '0',
        HOST: '127.0.0.1',
        DATA_DIR: dataDir,
        LOGIN_LIMIT: '0',
        SIGNUP_LIMIT: '0',
        ...platformEnv,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const plane = new ControlPlane(child, dataDir);
    child.stdout?.on('data', (chunk: Buffer) => (plane.output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (plane.output += chunk.toString()));
    started.add(plane);
    return plane;
  }

  async listening(): Promise<void> {
    await until(
      () => {
        const said = /To-do is at (http:\/\/(?:localhost|127\.0\.0\.1):\d+)/.exec(this.output)?.[1];
        this.url = said?.replace('localhost', '127.0.0.1') ?? '';
        if (this.child.exitCode !== null) throw new Error(`The control plane ended:\n${this.output}`);
        return this.url !== '';
      },
      { what: () => `the control plane's URL in:\n${this.output}`, ms: 20_000 },
    );
  }

  get pid(): number {
    if (!this.child.pid) throw new Error('not started');
    return this.child.pid;
  }

  /** The log lines with this event name. */
  events(event: string): Record<string, unknown>[] {
    return this.output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line.event === event);
  }

  /** Ends it and waits for its end; gives the exit code, or null where the signal ended it. */
  async end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise((done) => this.child.once('exit', done));
      this.child.kill(signal);
      await ended;
    }
    started.delete(this);
    return this.child.exitCode;
  }

  /** Pids of everything below that runs with this data directory: the embedded platform and its machines. */
  descendants(): number[] {
    return processesWith(this.dataDir).filter((pid) => pid !== this.pid && pid !== process.pid);
  }
}

export function newDataDir(): string {
  return mkdtempSync(join(tmpdir(), 'todo-journey-'));
}

/** Ends what a spec started and removes its data; for `afterAll`. */
export async function endAll(): Promise<void> {
  for (const plane of [...started]) {
    await plane.end();
    rmSync(plane.dataDir, { recursive: true, force: true, maxRetries: 10 });
  }
}
