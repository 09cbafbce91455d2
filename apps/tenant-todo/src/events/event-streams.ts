import { DomainError } from '@app/common/errors/domain-error';
import { Injectable } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import type { ErrorCode } from '../error-codes';
import { EventLog, type LoggedEvent } from './event-log';

export const MAX_STREAMS = 32;
/** Below the control plane's and our own limit for a connection on which nothing moves. */
const HEARTBEAT_MS = 15_000;
/** Who does not read is cut off, and resumes when it does. */
const MAX_UNREAD_BYTES = 256 * 1024;
const RETRY_MS = 1000;

/** The open streams of server-sent events. */
@Injectable()
export class EventStreams {
  private readonly open = new Set<() => void>();
  private isClosed = false;

  constructor(private readonly log: EventLog) {}

  /**
   * Sends what came after `lastEventId` (`reset` where that cannot be said; with none, `ready`) and then what comes, for `lifeMs`.
   * Throws `too_many_streams`, and `shutting_down` after `close`.
   */
  start(response: ServerResponse, lastEventId: string | undefined, lifeMs: number): void {
    this.assertMayOpen();
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    response.write(`retry: ${RETRY_MS}\n\n${this.opening(lastEventId)}`);
    const stopListening = this.log.listen((logged) => send(response, toText(logged)));
    const heartbeat = setInterval(() => send(response, ': \n\n'), HEARTBEAT_MS);
    const end = () => void response.end();
    const expiry = setTimeout(end, lifeMs);
    this.open.add(end);
    response.once('close', () => {
      stopListening();
      clearInterval(heartbeat);
      clearTimeout(expiry);
      this.open.delete(end);
    });
  }

  /** Ends all, and lets no new one begin: a stream would hold up a shutdown until it is cut. */
  close(): void {
    this.isClosed = true;
    for (const end of this.open) end();
  }

  private assertMayOpen(): void {
    if (this.isClosed) {
      throw new DomainError<ErrorCode>('shutting_down', 'This machine is stopping.', { retryAfterSeconds: 1 });
    }
    if (this.open.size < MAX_STREAMS) return;
    throw new DomainError<ErrorCode>('too_many_streams', `There may be ${MAX_STREAMS} streams of events at once.`, {
      retryAfterSeconds: 10,
    });
  }

  private opening(lastEventId: string | undefined): string {
    if (lastEventId === undefined) return message(this.log.lastId, 'ready', {});
    const missed = this.log.since(lastEventId);
    return missed ? missed.map(toText).join('') : message(this.log.lastId, 'reset', {});
  }
}

function send(response: ServerResponse, text: string): void {
  if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
  else if (!response.writableEnded) response.write(text);
}

function toText({ id, event }: LoggedEvent): string {
  return message(id, event.type, event.type === 'reset' ? {} : { id: event.todoId });
}

function message(id: string, type: string, data: object): string {
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
