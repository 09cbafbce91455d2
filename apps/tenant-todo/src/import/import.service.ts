import { DomainError } from '@app/common/errors/domain-error';
import { Injectable } from '@nestjs/common';
import { promises } from 'node:fs';
import { TenantConfig } from '../config';
import { Staging } from '../database/staging';
import { StorageLimit } from '../database/storage-limit';
import type { ErrorCode } from '../error-codes';
import { EventLog } from '../events/event-log';
import { ImageStore } from '../images/image-store';
import { TodoOrder } from '../todos/todo-order';
import { searchTextOf } from '../todos/todo-text';
import { TodoStore, type KnownTodo } from '../todos/todo-store';
import { todoLimitReached } from '../todos/todo-limit';
import { ImportStage, type StagedTodo } from './import-stage';
import { stageTodos } from './stage-todos';

/** What an import does, or with `dryRun` would do. */
export interface ImportOutcome {
  dryRun: boolean;
  todos: { created: number; updated: number; unchanged: number };
  images: { stored: number; removed: number };
}

interface Change {
  staged: StagedTodo;
  known: KnownTodo | undefined;
}

/** Takes an export in: after it each of its to-dos is what the file says, and what the file does not name is as it was. */
@Injectable()
export class ImportService {
  private isRunning = false;

  constructor(
    private readonly todos: TodoStore,
    private readonly order: TodoOrder,
    private readonly images: ImageStore,
    private readonly storage: StorageLimit,
    private readonly events: EventLog,
    private readonly staging: Staging,
    private readonly config: TenantConfig,
  ) {}

  /** A body as large as a full storage in base64, with its texts. */
  get maxBodyBytes(): number {
    return this.storage.maxBytes * 1.5 + 16 * 1024 * 1024;
  }

  /**
   * All of the file or nothing of it; repeating changes nothing. The body is read and checked first, to a file, and then taken in at
   * one moment. Throws `import_running`, what `stageTodos` throws, `todo_limit_reached` and `storage_full`.
   */
  async run(chunks: AsyncIterable<Buffer>, dryRun: boolean): Promise<ImportOutcome> {
    if (this.isRunning) {
      throw new DomainError<ErrorCode>('import_running', 'An import is under way. Wait until it is done.', {
        retryAfterSeconds: 5,
      });
    }
    this.isRunning = true;
    const file = this.staging.newFile();
    try {
      return await this.stageAndApply(file, chunks, dryRun);
    } finally {
      this.isRunning = false;
      await promises.rm(file, { force: true });
    }
  }

  private async stageAndApply(file: string, chunks: AsyncIterable<Buffer>, dryRun: boolean): Promise<ImportOutcome> {
    const stage = new ImportStage(file);
    try {
      await this.storage.asFull(() => stageTodos(chunks, stage, this.limits()));
      const outcome = this.storage.guard(() => {
        const changes = this.compare(stage);
        if (!dryRun) this.apply(stage);
        return { dryRun, ...changes };
      });
      if (!dryRun && outcome.todos.created + outcome.todos.updated > 0) this.events.append({ type: 'reset' });
      return outcome;
    } finally {
      stage.close();
    }
  }

  private limits() {
    return {
      assertTodos: (count: number) => this.assertTodos(count),
      assertImageBytes: (bytes: number) => this.storage.assertWithin(bytes),
    };
  }

  /** Counts what would change, and throws where that has no room. */
  private compare(stage: ImportStage): Omit<ImportOutcome, 'dryRun'> {
    const outcome = {
      todos: { created: 0, updated: 0, unchanged: 0 },
      images: { stored: 0, removed: 0 },
    };
    let bytes = 0;
    for (const change of this.changes(stage)) {
      const { staged, known } = change;
      const isThere = known !== undefined && known.deletedAt === null;
      outcome.todos[!isThere ? 'created' : isSame(change) ? 'unchanged' : 'updated'] += 1;
      if (staged.sha256 !== null && staged.sha256 !== known?.sha256) outcome.images.stored += 1;
      if (staged.sha256 === null && isThere && known.sha256 !== null) outcome.images.removed += 1;
      if (staged.sha256 !== known?.sha256) bytes += (staged.bytes ?? 0) - (known?.bytes ?? 0);
      bytes += textLength(staged) - (known ? textLength(known) : 0);
    }
    this.assertTodos(this.todos.counts().all + outcome.todos.created);
    if (bytes > 0) this.storage.assertRoomFor(bytes);
    return outcome;
  }

  /** Those that are new come on top of the list, in the order of the file; the others keep their places. */
  private apply(stage: ImportStage): void {
    const top = this.order.nextOnTop() + this.config.maxTodos;
    for (const change of this.changes(stage)) {
      const { staged, known } = change;
      if (isSame(change)) continue;
      const { id, title, description, completed, createdAt, updatedAt, place } = staged;
      const searchText = searchTextOf(title, description);
      const position = top - place;
      this.todos.putImported({ id, title, description, completed, createdAt, updatedAt, searchText, position });
      if (staged.sha256 === (known?.sha256 ?? null)) continue;
      const picture = stage.picture(staged);
      if (picture) this.images.put(id, picture);
      else this.images.remove(id);
    }
  }

  private *changes(stage: ImportStage): Generator<Change> {
    for (const staged of stage.todos()) yield { staged, known: this.todos.known(staged.id) };
  }

  private assertTodos(count: number): void {
    if (count > this.config.maxTodos) throw todoLimitReached(this.config.maxTodos);
  }
}

function textLength({ title, description }: { title: string; description: string }): number {
  return title.length + description.length;
}

function isSame({ staged, known }: Change): boolean {
  return (
    known?.deletedAt === null &&
    (['title', 'description', 'completed', 'createdAt', 'updatedAt', 'sha256'] as const).every(
      (name) => staged[name] === known[name],
    )
  );
}
