import type { IncomingMessage } from 'node:http';

/** Three pictures of the largest size: a client a little over a limit still gets to read its answer. */
const MAX_DRAIN_BYTES = 16 * 1024 * 1024;
const MAX_DRAIN_MS = 30_000;
const LINGER_MS = 2000;

/**
 * Reads away what a refused request still sends. A socket closed over unread bytes is reset, and the client then never sees
 * the answer. Gives false where there was more than is worth reading: the connection has to end.
 */
export function drainBody(request: IncomingMessage): Promise<boolean> {
  if (request.complete && request.readableEnded) return Promise.resolve(true);
  if (request.destroyed || !isWorthReading(request)) return Promise.resolve(false);
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

/** Whether a body that was refused may be read to its end: more is not announced than that. */
export function isWorthReading(request: IncomingMessage): boolean {
  return announcedBytes(request) <= MAX_DRAIN_BYTES;
}

/**
 * Reads on for a moment behind an answer that ends the connection, until the client closes. Closing over unread bytes is a reset,
 * and that can overtake the answer.
 */
export function linger(request: IncomingMessage): Promise<void> {
  if (request.destroyed || request.socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, LINGER_MS);
    request.once('end', done);
    request.socket.once('close', done);
    request.resume();
  });
}

function announcedBytes(request: IncomingMessage): number {
  return Number(request.headers['content-length'] ?? 0);
}
