import type { Logger, LogLevel } from '@app/common/logging/logger';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'undici';

export interface EmbeddedProcessOptions {
  /** The platform's program. */
  script: string;
  /** Folder of the images' folders. */
  images: string;
  stateDir: string;
  logLevel: LogLevel;
  /** Null: no machine runs on LiteFS. `folder` has its files, `searchPath` its programs. */
  litefs: { folder: string; searchPath: string } | null;
  log: Logger;
  /** The process had died by itself, and another one answers now; its machines are stopped. */
  onReturn: () => void;
}

const SCRIPT = join('dist', 'apps', 'minifly-embedded', 'main.js');
const IMAGES = join('dist', 'images');
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 10_000;
/** A process that lived so long was well: the next restart does not wait longer than the first. */
const WELL_AFTER_MS = 10_000;
/** `start` waits so long for the first answer; an old owner's machines may have to end first. */
const START_PATIENCE_MS = 6000;
/** Machines have ten seconds for their SIGTERM. */
const STOP_PATIENCE_MS = 15_000;

/**
 * The embedded platform as a process of the control plane's own: started with it, restarted when it alone dies, ended with it.
 * The pipe on fd 3 ends it, machines first, even after `kill -9` of the control plane. Nobody but choose-platform.ts knows of it.
 */
export class EmbeddedProcess {
  /** Where its API listens, in a folder that only this user can enter. */
  readonly socketPath: string;
  private readonly folder = mkdtempSync(join(tmpdir(), 'minifly-')); // mode 0700
  private child: ChildProcess | null = null;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: EmbeddedProcessOptions) {
    this.socketPath = join(this.folder, 'api.sock');
  }

  /** Starts it and waits for its first answer. One that does not come is logged, and trying goes on: who signs up meanwhile waits, no more. */
  async start(): Promise<void> {
    let answered: () => void = () => undefined;
    const firstAnswer = new Promise<void>((resolve) => (answered = resolve));
    this.running = this.keepRunning(answered);
    const patience = sleep(START_PATIENCE_MS, 'late' as const, { ref: false });
    if ((await Promise.race([firstAnswer, patience])) === 'late') {
      this.options.log.error({ seconds: START_PATIENCE_MS / 1000 }, 'platform.not_answering');
    }
  }

  /** Ends it and waits until its machines and itself are gone. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const child = this.child;
    if (child && isAlive(child)) {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS);
      await once(child, 'exit');
      clearTimeout(force);
    }
    await this.running;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The process id, for tests and the log. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  private async keepRunning(onFirstAnswer: () => void): Promise<void> {
    const { log } = this.options;
    let answered = onFirstAnswer;
    let pauseMs = FIRST_PAUSE_MS;
    while (!this.stopping.signal.aborted) {
      const startedAt = performance.now();
      const child = this.spawn();
      const exit = once(child, 'exit');
      exit.catch(() => undefined); // a failed spawn shows as one that ended
      if (await this.answers(child)) {
        log.info({ pid: child.pid, ms: Math.round(performance.now() - startedAt) }, 'platform.started');
        answered();
        answered = this.options.onReturn;
      }
      const [code, signal] = await exit.catch((error: unknown) => [String(error), null] as const);
      if (this.stopping.signal.aborted) return;
      if (performance.now() - startedAt > WELL_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
      log.error({ code: code as unknown, signal: signal as unknown, retryInMs: pauseMs }, 'platform.died');
      await sleep(pauseMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS);
    }
  }

  private spawn(): ChildProcess {
    const { script, images, stateDir, logLevel, litefs } = this.options;
    rmSync(this.socketPath, { force: true });
    const args = [script, '--state-dir', stateDir, '--images', images, '--socket', this.socketPath];
    if (litefs) args.push('--litefs-files', litefs.folder);
    this.child = spawn(process.execPath, args, {
      // Nothing else of ours: an inherited NODE_EXTRA_CA_CERTS alone costs each machine 50 ms.
      env: { LOG_LEVEL: logLevel, ...(litefs && { EMBEDDED_LITEFS: '1', PATH: litefs.searchPath }) },
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      detached: true, // a terminal's Ctrl-C reaches us alone, and we stop it in our order
    });
    // The end of the pipe is the message; nothing is read from it.
    this.child.stdio[3]?.on('error', () => undefined);
    return this.child;
  }

  private async answers(child: ChildProcess): Promise<boolean> {
    const client = new Client('http://localhost', { socketPath: this.socketPath, headersTimeout: 5000 });
    try {
      for (let pauseMs = 5; isAlive(child); pauseMs = Math.min(pauseMs * 1.2, 250)) {
        if (existsSync(this.socketPath) && (await isHealthy(client))) return true;
        await sleep(pauseMs);
      }
      return false;
    } finally {
      await client.destroy();
    }
  }
}

/** Where the repository's builds are, from a source file or from the built program itself. */
export function findPlatformProgram(from: string): { script: string; images: string; litefsFolder: string } {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const script = join(folder, SCRIPT);
    if (existsSync(script)) return { script, images: join(folder, IMAGES), litefsFolder: join(folder, 'docker') };
  }
  throw new Error(`${SCRIPT} was not found above ${from}: build it with \`npm run build\`.`);
}

async function isHealthy(client: Client): Promise<boolean> {
  try {
    const response = await client.request({ method: 'GET', path: '/healthz' });
    await response.body.dump();
    return response.statusCode === 200;
  } catch {
    return false;
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}
