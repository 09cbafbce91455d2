import type { IncomingMessage } from 'node:http';

/** Three pictures of the largest size: a client a little over a limit still gets to read its answer. */
const MAX_DRAIN_BYTES = 16 * 1024 * 1024;
const MAX_DRAIN_MS = 30_000;

/**
 * Reads away what a refused request still sends. A socket closed over unread bytes is reset, and the client then never sees
 * the answer. Gives false where there was more than is worth reading: the connection has to end.
 */
export function drainBody(request: IncomingMessage): Promise<boolean> {
  if (request.complete && request.readableEnded) return Promise.resolve(true);
  if (request.destroyed || announcedBytes(request) > MAX_DRAIN_BYTES) return Promise.resolve(false);
  return new Promise((resolve) => {
    let bytes = 0;
    const timer = setTimeout(() => done(false), MAX_DRAIN_MS);
    const count = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_DRAIN_BYTES) done(false);
    };
    const ended = () => done(true);
    const closed = () => done(false);
    const done = (whole: boolean) => {
      clearTimeout(timer);
      request.off('data', count).off('end', ended);
      request.socket.off('close', closed);
      resolve(whole);
    };
    request.on('data', count).on('end', ended);
    request.socket.on('close', closed); // the request itself does not say so once it was answered
    request.resume();
  });
}

function announcedBytes(request: IncomingMessage): number {
  return Number(request.headers['content-length'] ?? 0);
}
