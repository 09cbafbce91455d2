import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = resolve(__dirname, '../../..');
const MAIN = join(ROOT, 'dist/apps/minifly-embedded/main.js');
export const IMAGES = resolve(__dirname, '../images');

/** A platform that runs, and how to end it. */
export interface EmbeddedPlatform {
  /** `http://127.0.0.1:port` or the socket's path: what MachinesClient takes. */
  baseUrl: string;
  process: ChildProcess;
  /** All that it wrote, for a failing test to show. */
  output: () => string;
  /** SIGTERM, and until it is gone. */
  stop: () => Promise<number | null>;
  kill: () => Promise<void>;
}

export function newStateDir(): string {
  return mkdtempSync(join(tmpdir(), 'minifly-'));
}

/** Removes what a test left; repeated because the last process of a killed platform may still write. */
export function removeStateDir(dir: string): void {
  rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

export async function startAlone(stateDir: string): Promise<EmbeddedPlatform> {
  return ready(spawnPlatform(['--alone', '--port', '0', '--state-dir', stateDir, '--images', IMAGES]));
}

export async function startOnSocket(stateDir: string): Promise<EmbeddedPlatform> {
  return ready(spawnPlatform(socketArgs(stateDir)));
}

export const socketArgs = (stateDir: string) => [
  '--state-dir',
  stateDir,
  '--images',
  IMAGES,
  '--socket',
  join(stateDir, 'run', 'api.sock'),
];

/** The process at once, with the pipe on fd 3 that it is to watch. */
export function spawnPlatform(args: string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [builtMain(), ...args], {
    env: { PATH: process.env['PATH'], NODE_EXTRA_CA_CERTS: '', SECRET_OF_THE_PLATFORM: 'never handed on', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
}

/** The program's path; built when a single spec is run before any build. */
export function builtMain(): string {
  if (!existsSync(MAIN)) {
    const built = spawnSync(process.execPath, [join(ROOT, 'node_modules/.bin/nest'), 'build', 'minifly-embedded'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    if (built.status !== 0) throw new Error(`nest build minifly-embedded failed:\n${built.stdout}${built.stderr}`);
  }
  return MAIN;
}

/** Resolves when it says that it is ready; rejects with what it wrote when it ends before. */
export async function ready(child: ChildProcess): Promise<EmbeddedPlatform> {
  const lines: string[] = [];
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  child.stderr?.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  const url = await new Promise<string>((done, fail) => {
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        lines.push(line);
        const entry = parseLine(line);
        if (entry.event === 'platform.ready' && entry.url) done(entry.url);
      });
    }
    void exited.then((code) => fail(new Error(`The platform ended with ${code}:\n${lines.join('\n')}`)));
  });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  return {
    baseUrl: url,
    process: child,
    output: () => lines.join('\n'),
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
  };
}

function parseLine(line: string): { event?: string; url?: string } {
  return line.startsWith('{') ? (JSON.parse(line) as { event?: string; url?: string }) : {};
}
