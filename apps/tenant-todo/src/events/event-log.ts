import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';

export type TodoEventType = 'created' | 'updated' | 'deleted' | 'moved' | 'restored';

/** What happened to a to-do; `reset`: so much that everything has to be read anew. */
export type TodoEvent = { type: TodoEventType; todoId: string } | { type: 'reset' };

export interface LoggedEvent {
  /** Names the process as well, so that an id from before a restart is not taken for one of now. */
  id: string;
  event: TodoEvent;
}

export const KEPT_EVENTS = 1000;

/** What changed since the process started, in its order. The last thousand are kept for who was away for a moment. */
@Injectable()
export class EventLog {
  private readonly process = randomUUID().slice(0, 8);
  private readonly kept: LoggedEvent[] = [];
  private readonly listeners = new Set<(logged: LoggedEvent) => void>();
  private count = 0;

  append(event: TodoEvent): void {
    this.count += 1;
    const logged = { id: this.lastId, event };
    this.kept.push(logged);
    if (this.kept.length > KEPT_EVENTS) this.kept.shift();
    for (const listener of this.listeners) listener(logged);
  }

  /** The id of the last event; before the first, of none. */
  get lastId(): string {
    return `${this.process}-${this.count}`;
  }

  /** What came after the event of that id, or null where that cannot be said any more. */
  since(id: string): readonly LoggedEvent[] | null {
    const [, process, digits] = /^([0-9a-f]{8})-(\d{1,15})$/.exec(id) ?? [];
    const missed = this.count - Number(digits);
    if (process !== this.process || missed < 0 || missed > this.kept.length) return null;
    return this.kept.slice(this.kept.length - missed);
  }

  /** Gives the function that ends it. */
  listen(listener: (logged: LoggedEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
