import { chmodSync, mkdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname } from 'node:path';

/** The socket's folder is open to others, so that anybody could put another socket in its place. */
export class OpenFolderError extends Error {
  override readonly name = 'OpenFolderError';
}

/**
 * Listens on a Unix socket that only this user can reach: the folder's mode keeps others out, as a socket's own mode is not
 * honoured everywhere. The caller holds the lock of the state directory, so that what is at the path is of a dead platform.
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if ((statSync(folder).mode & 0o077) !== 0) {
    throw new OpenFolderError(
      `The socket's folder ${folder} is open to other users. Give it mode 0700, or name another.`,
    );
  }
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  chmodSync(path, 0o600);
}

/** For when the program that made the folder is gone and cannot do it. Where anything else lies in it, it stays. */
export function removeSocketFolder(path: string): void {
  try {
    rmdirSync(dirname(path));
  } catch {
    // Not empty, or gone already.
  }
}
