import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { refusedNow } from './api-error';
import type { Image } from './images';
import type { MachineRecord } from './records';

export interface LitefsFiles {
  /** The folder with `litefs.yml` and `litefs-mount.sh`. */
  folder: string;
  /** Where `litefs` and `fusermount3` are found. */
  searchPath: string;
}

const HTTP_PORT = 20202;

/** Whether the machine's configuration asks for it; see docs/TENANT-CONTRACT.md. */
export const isOnLitefs = ({ config }: MachineRecord) => Boolean(config.env?.['LITEFS_LEASE']);

/**
 * What a machine on LiteFS has more than another: a mount and a port of its own, and the script that starts its program through
 * LiteFS. Mounts lie in a folder of their own in which nothing is ever removed but empty directories: removing a file
 * in a mount would remove the database.
 */
export class Litefs {
  readonly #root: string;

  /** `files` null: machines on LiteFS are refused. */
  constructor(
    stateDir: string,
    private readonly files: LitefsFiles | null,
  ) {
    this.#root = join(stateDir, 'mounts');
  }

  /** A 412 for a machine on LiteFS where the platform was started without. */
  require(machine: MachineRecord): void {
    if (!this.files && isOnLitefs(machine)) {
      throw refusedNow('the machine runs on LiteFS, and the platform was started without it (EMBEDDED_LITEFS=1)');
    }
  }

  command(command: Image['command']): Image['command'] {
    return [join(this.#installed().folder, 'litefs-mount.sh'), ...command];
  }

  env(machine: MachineRecord): Record<string, string> {
    const { folder, searchPath } = this.#installed();
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    return {
      PATH: searchPath,
      LITEFS_CONFIG: join(folder, 'litefs.yml'),
      LITEFS_DIR: this.#mountDir(machine.id),
      LITEFS_HTTP_ADDR: `${machine.privateIp}:${HTTP_PORT}`,
      LITEFS_ALLOW_OTHER: 'false',
    };
  }

  /** After the machine's process has ended: LiteFS takes its own mount away, unless it was killed. */
  clean(machineId: string): void {
    const dir = this.#mountDir(machineId);
    for (const mounted of this.#mounts()) if (mounted === dir) this.#unmount(mounted);
    removeEmpty(dir);
  }

  /** What an earlier platform has left that was killed. Its machines' processes are gone. */
  cleanAll(): void {
    for (const mounted of this.#mounts()) this.#unmount(mounted);
    for (const name of namesIn(this.#root)) removeEmpty(join(this.#root, name));
  }

  #mountDir(machineId: string): string {
    return join(this.#root, machineId);
  }

  #mounts(): string[] {
    return mountPoints().filter((path) => path.startsWith(`${this.#root}/`));
  }

  /** Lazily: a process that still holds a file in it is one that ends. Throws where it stays, since then nothing may start there. */
  #unmount(path: string): void {
    const { status, stderr } = spawnSync('fusermount3', ['-u', '-z', path], { env: { PATH: this.#searchPath() } });
    if (status !== 0) throw new Error(`The mount ${path} cannot be taken away: ${String(stderr)}`);
  }

  #installed(): LitefsFiles {
    if (!this.files) throw new Error('This platform was started without LiteFS.');
    return this.files;
  }

  #searchPath(): string {
    return this.files?.searchPath ?? '/usr/local/bin:/usr/bin:/bin';
  }
}

/** The fifth field is the path, with octal escapes (proc_pid_mountinfo(5)). None where there is no /proc. */
function mountPoints(): string[] {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .map((path) => path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))));
  } catch {
    return [];
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no machine was ever on LiteFS
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // not there, or not empty: then it is not ours to remove
  }
}
