import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseEnvValue } from '@app/common/config/from-env';
import { LOG_LEVELS, type LogLevel } from '@app/common/logging/logger';
import type { LitefsFiles } from './litefs';

export interface Options {
  /** Everything that is kept: the database, volumes, machines' directories and logs. One platform at a time. */
  stateDir: string;
  /** The folder with a folder for each image. */
  imagesDir: string;
  listen: { kind: 'socket'; path: string } | { kind: 'port'; port: number };
  logLevel: LogLevel;
  /** Null: machines on LiteFS are refused. */
  litefs: LitefsFiles | null;
}

export const USAGE = `Usage:
  main.js --state-dir DIR --images DIR --socket PATH   as a part of another program, which holds the pipe on fd 3
  main.js --alone [--port 4280] [--state-dir DIR] [--images DIR]   on its own, on 127.0.0.1
With EMBEDDED_LITEFS=1, --litefs-files DIR is where litefs.yml and litefs-mount.sh are (docker).`;

const DEFAULT_PORT = 4280; // Minifly's
/** Linux gives a socket's path 108 bytes, macOS 104. */
const MAX_SOCKET_PATH_BYTES = 103;

/** The command line was not understood; the message says what is wrong, one line a problem. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';
}

/**
 * The command line, over `MINIFLY_API_PORT`, `DATA_DIR`, `LOG_LEVEL` and `EMBEDDED_LITEFS`. Read by hand: a validation library would be half of
 * this process, and its size is what starting a machine costs. Throws `OptionsError` with everything that is wrong.
 */
export function parseOptions(args: string[], env: Readonly<Record<string, string | undefined>>): Options {
  const given = parseArguments(args);
  const problems: string[] = [];
  const logLevel = LOG_LEVELS.find((level) => level === (env['LOG_LEVEL'] || 'info'));
  if (!logLevel) problems.push(`LOG_LEVEL should be one of ${LOG_LEVELS.join(', ')}; it is "${env['LOG_LEVEL']}".`);
  const listen = given.alone
    ? listenOnPort(given.port ?? (env['MINIFLY_API_PORT'] || String(DEFAULT_PORT)), problems)
    : listenOnSocket(given.socket, problems);
  const stateDir = given['state-dir'] ?? (given.alone ? join(env['DATA_DIR'] || 'data', 'minifly') : undefined);
  const imagesDir = given.images ?? (given.alone ? join('dist', 'images') : undefined);
  if (!stateDir) problems.push('--state-dir is missing.');
  if (!imagesDir) problems.push('--images is missing.');
  const litefs = litefsFiles(given['litefs-files'], env, problems);
  if (problems.length > 0 || !logLevel || !listen || !stateDir || !imagesDir) {
    throw new OptionsError([...problems, USAGE].join('\n'));
  }
  return { stateDir: resolve(stateDir), imagesDir: resolve(imagesDir), listen, logLevel, litefs };
}

function parseArguments(args: string[]) {
  try {
    const options = {
      alone: { type: 'boolean' },
      port: { type: 'string' },
      socket: { type: 'string' },
      'state-dir': { type: 'string' },
      images: { type: 'string' },
      'litefs-files': { type: 'string' },
    } as const;
    return parseArgs({ args, options, allowPositionals: false }).values;
  } catch (error) {
    throw new OptionsError(`${(error as Error).message}\n${USAGE}`);
  }
}

function litefsFiles(
  folder: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): LitefsFiles | null {
  const wanted = parseEnvValue(env['EMBEDDED_LITEFS'] || '0', 'boolean');
  if (wanted === undefined) problems.push(`EMBEDDED_LITEFS should be 1 or 0; it is "${env['EMBEDDED_LITEFS']}".`);
  return wanted ? { folder: resolve(folder ?? 'docker'), searchPath: env['PATH'] ?? '' } : null;
}

function listenOnPort(text: string, problems: string[]): Options['listen'] | null {
  const port = /^\d+$/.test(text) ? Number(text) : NaN;
  if (port >= 0 && port <= 65_535) return { kind: 'port', port };
  problems.push(`MINIFLY_API_PORT (or --port) should be a port, 0 to 65535; it is "${text}".`);
  return null;
}

function listenOnSocket(path: string | undefined, problems: string[]): Options['listen'] | null {
  if (!path) problems.push('--socket (or --alone) is missing.');
  else if (Buffer.byteLength(resolve(path)) > MAX_SOCKET_PATH_BYTES) {
    problems.push(
      `--socket: ${resolve(path)} is longer than the ${MAX_SOCKET_PATH_BYTES} bytes that a socket's path may have.`,
    );
  } else return { kind: 'socket', path: resolve(path) };
  return null;
}
