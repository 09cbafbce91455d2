import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** LiteFS was asked for and cannot run here; the message says what is missing. */
export class LitefsUnavailableError extends Error {
  override readonly name = 'LitefsUnavailableError';
}

/** Throws `LitefsUnavailableError` with all that is missing on this computer: `litefs` and `fusermount3` on the PATH, FUSE. */
export function requireLitefs(searchPath: string, fuseDevice = '/dev/fuse'): void {
  const missing = [
    ...(isOnPath('litefs', searchPath) ? [] : ['there is no litefs on the PATH (docker/litefs/install.sh builds it)']),
    ...(isOnPath('fusermount3', searchPath) ? [] : ['there is no fusermount3 on the PATH (Debian: apt install fuse3)']),
    ...(isUsable(fuseDevice) ? [] : [`${fuseDevice} cannot be opened, so there is no FUSE here`]),
  ];
  if (missing.length === 0) return;
  throw new LitefsUnavailableError(`EMBEDDED_LITEFS is set, and LiteFS cannot run here: ${missing.join('; ')}.`);
}

function isOnPath(program: string, searchPath: string): boolean {
  return searchPath.split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, program)));
}

function isUsable(device: string): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
