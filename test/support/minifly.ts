import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { listen } from '@app/common/http/listen';
import { until } from './until';

const MAIN = resolve(__dirname, '../../dist/apps/minifly-embedded/main.js');

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const { port } = await listen(server, 0, '127.0.0.1');
  await new Promise((closed) => server.close(closed));
  return port;
}

/** An embedded platform that was started alone, as `npm run minifly` does: it outlives its clients. */
export class Minifly {
  private child: ChildProcess | null = null;
  constructor(
    readonly port: number,
    readonly stateDir: string,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.child = spawn(process.execPath, [MAIN, '--alone', '--port', String(this.port), '--state-dir', this.stateDir], {
      cwd: resolve(__dirname, '../..'),
      env: { PATH: process.env.PATH },
      stdio: 'ignore',
    });
    await until(
      () =>
        fetch(`${this.url}/healthz`)
          .then((r) => r.ok)
          .catch(() => false),
      { what: 'the platform' },
    );
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.child;
    this.child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await ended;
  }
}
