import type { IncomingMessage } from 'node:http';

const MOST_BYTES = 16 * 1024 * 1024;
const MOST_MS = 15_000;
/** A connection that is cut over unread bytes is reset, and takes an answer along that the client has not read yet. */
const LINGER_MS = 1000;

/**
 * Reads on and throws away what is left of a body that was answered early: a browser reads the answer only when it has sent everything.
 * Past 16 MB nothing more is read and a second later the connection is cut, past 15 s at once. Does nothing where the body was read to its end.
 */
export function discardBody(request: IncomingMessage, limits = { bytes: MOST_BYTES, ms: MOST_MS }): void {
  if (request.complete || request.destroyed) {
    request.resume();
    return;
  }
  let bytes = 0;
  const cut = () => request.socket.destroy();
  const timer = setTimeout(cut, limits.ms).unref();
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= limits.bytes) return;
    request.pause();
    setTimeout(cut, LINGER_MS).unref();
  });
  const done = () => clearTimeout(timer);
  request.once('end', done).once('close', done);
  request.resume();
}
