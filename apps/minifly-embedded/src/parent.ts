import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';

const PARENT_FD = 3;

/** Nobody holds a pipe on fd 3: the platform would have no way to see its owner's end. */
export class NoParentError extends Error {
  override readonly name = 'NoParentError';
}

/**
 * Calls back when the program that started this one is gone, in whatever way: it holds the other end of a pipe on fd 3, which
 * the kernel closes with it. Throws `NoParentError` where there is no such pipe.
 */
export function watchParent(onGone: () => void): void {
  if (!isPipe(PARENT_FD)) {
    throw new NoParentError('With --socket the starting program must hold a pipe on fd 3. To run on its own: --alone.');
  }
  const pipe = new Socket({ fd: PARENT_FD });
  pipe.once('close', onGone);
  pipe.once('error', () => undefined); // a close follows
  pipe.resume();
}

function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}
