import { DomainError } from '@app/common/errors/domain-error';
import type { Clock } from '@app/common/time/clock';
import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { TenantConfig } from '../config';
import { StorageLimit } from '../database/storage-limit';
import { TenantDatabase } from '../database/tenant-database';
import type { ErrorCode } from '../error-codes';
import { EventLog, type TodoEventType } from '../events/event-log';
import { assertIfMatch, etagOf } from '../http/etag';
import { imageNotFound, ImageStore, type ImageFacts } from '../images/image-store';
import type { Picture } from '../images/picture';
import { CLOCK } from '../tokens';
import { cursorInvalid, decodeCursor, encodeCursor } from './cursor';
import { Idempotency } from './idempotency';
import { toTodo, type Todo, type TodoPage } from './todo';
import { todoLimitReached } from './todo-limit';
import { TodoOrder } from './todo-order';
import { foldForSearch, searchTextOf } from './todo-text';
import type { CreateTodoDto, ListTodosDto, UpdateTodoDto } from './todo.dto';
import { TodoStore } from './todo-store';
import { Trash } from './trash';

/** The rules of the list. Everything runs on one synchronous connection: what stands in one function happens at one moment. */
@Injectable()
export class TodosService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly todos: TodoStore,
    private readonly order: TodoOrder,
    private readonly trash: Trash,
    private readonly images: ImageStore,
    private readonly idempotency: Idempotency,
    private readonly storage: StorageLimit,
    private readonly events: EventLog,
    private readonly config: TenantConfig,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** In their order, of which a new one is the first. Throws `cursor_invalid`. */
  list({ filter, q, limit, cursor }: ListTodosDto): TodoPage {
    const rows = this.todos.page({
      completed: filter === 'all' ? null : filter === 'done' ? 1 : 0,
      needle: q?.trim() ? foldForSearch(q.trim()) : null,
      below: cursor === undefined ? Number.MAX_VALUE : this.placeOf(cursor),
      limit: limit + 1, // one more tells whether there is a next page
    });
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return {
      items: items.map(toTodo),
      nextCursor: rows.length > limit && last ? encodeCursor({ ...last, generation: this.order.generation() }) : null,
      counts: this.todos.counts(),
    };
  }

  /** Throws `todo_not_found`. */
  get(id: string): Todo {
    const row = this.todos.byId(id);
    if (!row) throw todoNotFound();
    return toTodo(row);
  }

  /** Its picture without the bytes. Throws `todo_not_found`, and `image_not_found` where the to-do has none. */
  imageOf(id: string): ImageFacts {
    const facts = this.images.facts(id);
    if (facts) return facts;
    this.get(id); // a to-do that is not there is another error than a picture that is not
    throw imageNotFound();
  }

  /**
   * To-do and picture in one transaction. With a key, repeating is safe: the same request gets the first one's answer.
   * Throws `todo_limit_reached`, `storage_full`, `idempotency_key_invalid`, `idempotency_key_reused`.
   */
  create({ title, description = '' }: CreateTodoDto, picture: Picture | null, key: string | undefined): Todo {
    const request = { title, description, picture: picture?.sha256 ?? null };
    return this.changing((say) =>
      this.idempotency.once(key, request, () => {
        if (this.todos.counts().all >= this.config.maxTodos) throw todoLimitReached(this.config.maxTodos);
        this.storage.assertRoomFor(picture?.data.length ?? 0);
        const id = randomUUID();
        this.todos.insert({
          id,
          title,
          description,
          searchText: searchTextOf(title, description),
          now: this.clock.now(),
          position: this.order.nextOnTop(),
        });
        if (picture) this.images.put(id, picture);
        say('created', id);
        return this.get(id);
      }),
    );
  }

  /** Changes what is given and leaves the rest. Throws `todo_not_found`, `precondition_failed`, `storage_full`. */
  update(id: string, changes: UpdateTodoDto, ifMatch: string | undefined): Todo {
    return this.changing((say) => {
      const before = this.get(id);
      assertIfMatch(ifMatch, this.etag(before));
      const title = changes.title ?? before.title;
      const description = changes.description ?? before.description;
      const completed = changes.completed ?? before.completed;
      if (title === before.title && description === before.description && completed === before.completed) return before;
      if (description.length > before.description.length) this.storage.assertRoomFor(description.length);
      this.todos.update({
        id,
        title,
        description,
        completed: completed ? 1 : 0,
        searchText: searchTextOf(title, description),
        now: this.clock.now(),
      });
      say('updated', id);
      return this.get(id);
    });
  }

  /**
   * Puts the to-do right above another one, or with null at the end; before itself it stays where it is. Repeating is safe.
   * Throws `todo_not_found`, and `validation_failed` for another one that is not there.
   */
  move(id: string, before: string | null): Todo {
    return this.changing((say) => {
      const todo = this.get(id);
      if (before !== null && !this.todos.byId(before)) throw refusedBefore();
      if (this.order.move(id, before)) say('moved', id);
      return todo;
    });
  }

  /** Takes the picture along; `restore` brings both back. Throws `todo_not_found`, `precondition_failed`. */
  remove(id: string, ifMatch: string | undefined): void {
    this.changing((say) => {
      assertIfMatch(ifMatch, this.etag(this.get(id)));
      this.trash.put(id);
      say('deleted', id);
    });
  }

  /**
   * Brings back what was deleted less than `RESTORABLE_MS` ago, with its place and its picture. Repeating is safe: one that is there
   * stays as it is. Throws `todo_not_found`, `todo_limit_reached`.
   */
  restore(id: string): Todo {
    return this.changing((say) => {
      if (this.todos.byId(id)) return this.get(id);
      if (!this.trash.takeBack(id)) throw notRestorable();
      if (this.todos.counts().all > this.config.maxTodos) throw todoLimitReached(this.config.maxTodos);
      say('restored', id);
      return this.get(id);
    });
  }

  /** Puts the picture in the place of the one before. Throws `todo_not_found`, `precondition_failed`, `storage_full`. */
  putImage(id: string, picture: Picture, ifMatch: string | undefined): Todo {
    return this.changing((say) => {
      const { image } = this.get(id);
      assertIfMatch(ifMatch, image && this.etag(image.sha256));
      this.storage.assertRoomFor(picture.data.length - (image?.bytes ?? 0));
      this.images.put(id, picture);
      this.todos.touch(id, this.clock.now());
      say('updated', id);
      return this.get(id);
    });
  }

  /** Repeatable: a to-do without a picture stays one. Throws `todo_not_found`, `precondition_failed`. */
  removeImage(id: string, ifMatch: string | undefined): void {
    this.changing((say) => {
      const { image } = this.get(id);
      assertIfMatch(ifMatch, image && this.etag(image.sha256));
      if (!this.images.remove(id)) return;
      this.todos.touch(id, this.clock.now());
      say('updated', id);
    });
  }

  /** All of `work` or nothing, and then what it said of what it did: who hears of a change can read it. */
  private changing<T>(work: (say: (type: TodoEventType, todoId: string) => void) => T): T {
    const said: { type: TodoEventType; todoId: string }[] = [];
    const result = this.storage.guard(() => work((type, todoId) => said.push({ type, todoId })));
    for (const event of said) this.events.append(event);
    return result;
  }

  /** Where the page before ended: its last to-do as it was then, also if that was moved or deleted since. */
  private placeOf(cursor: string): number {
    const { generation, position, id } = decodeCursor(cursor);
    if (generation === this.order.generation()) return position;
    const place = this.order.positionOf(id);
    if (place === undefined) throw cursorInvalid();
    return place;
  }

  private etag(content: unknown): string {
    return etagOf(this.database.databaseId, content);
  }
}

function todoNotFound(): DomainError<ErrorCode> {
  return new DomainError('todo_not_found', 'There is no such to-do. It may have been deleted.');
}

function notRestorable(): DomainError<ErrorCode> {
  return new DomainError('todo_not_found', 'There is nothing to restore: a deleted to-do is kept for ten minutes.');
}

function refusedBefore(): DomainError<ErrorCode> {
  const message = 'The to-do that it should come before is not there. It may have been deleted.';
  return new DomainError('validation_failed', message, { fields: [{ field: 'before', message }] });
}
