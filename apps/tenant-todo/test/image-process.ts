import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tenantEnvironment, tokenFor } from './running-tenant';

export const IMAGE = join(__dirname, '../../../dist/images/tenant-todo');

export interface ImageProcess {
  child: ChildProcess;
  url: string;
  databaseId: string;
  send(path: string, init?: RequestInit): Promise<Response>;
  /** Resolves with the exit code, or the signal that ended it. */
  exit: Promise<number | NodeJS.Signals | null>;
}

/** Starts the image as a platform does: its own command, its own environment and nothing else. Rejects with what it said when it ended. */
export async function startImage(
  dataDir: string,
  options: { image?: string; env?: Record<string, string> } = {},
): Promise<ImageProcess> {
  const image = options.image ?? IMAGE;
  if (!existsSync(join(image, 'image.json'))) throw new Error(`${image} is not there: run npm run build first.`);
  const { command } = JSON.parse(readFileSync(join(image, 'image.json'), 'utf8')) as { command: string[] };
  const child = spawn(process.execPath, command.slice(1), {
    cwd: image,
    env: tenantEnvironment(dataDir, options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? code)),
  );
  const { port, databaseId } = await listening(child);
  const url = `http://127.0.0.1:${port}`;
  return {
    child,
    url,
    databaseId,
    exit,
    send: async (path, init = {}) => {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${await tokenFor(databaseId)}`);
      return fetch(url + path, { ...init, headers });
    },
  };
}

/** The most memory that the process ever had in use, in MB. */
export function peakMemoryMb(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

function listening(child: ChildProcess): Promise<{ port: number; databaseId: string }> {
  return new Promise((resolve, reject) => {
    let output = '';
    let errors = '';
    child.stdout?.on('data', (data: Buffer) => {
      output += data.toString();
      const line = output.split('\n').find((candidate) => candidate.includes('tenant.listening'));
      if (line) resolve(JSON.parse(line) as { port: number; databaseId: string });
    });
    child.stderr?.on('data', (data: Buffer) => (errors += data.toString()));
    child.once('close', (code) => reject(new Error(`exit ${code}: ${errors}`)));
  });
}
