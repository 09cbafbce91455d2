import { Injectable } from '@nestjs/common';
import type { Statement } from 'better-sqlite3';
import { TenantDatabase } from '../database/tenant-database';
import type { TodoPage, TodoRow } from './todo';

interface PageQuery {
  completed: 0 | 1 | null;
  needle: string | null;
  below: number;
  limit: number;
}

interface TodoContent {
  id: string;
  title: string;
  description: string;
  searchText: string;
  now: number;
}

interface NewTodo extends TodoContent {
  position: number;
}

/** A to-do as a file has it; `position` counts only where it is a new one. */
export interface ImportedTodo extends Omit<NewTodo, 'now'> {
  completed: 0 | 1;
  createdAt: number;
  updatedAt: number;
}

/** What an import compares with, also of one that is deleted and can still be restored. */
export interface KnownTodo {
  title: string;
  description: string;
  completed: 0 | 1;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
  sha256: string | null;
  bytes: number | null;
}

const COLUMNS = `
  position, id, title, description, completed, created_at, updated_at, mime_type, bytes, sha256
  FROM todos LEFT JOIN todo_images ON todo_id = id`;

/** The rows of `todos` that are not deleted. */
@Injectable()
export class TodoStore {
  private readonly selectPage: Statement<[PageQuery], TodoRow>;
  private readonly selectById: Statement<[string], TodoRow>;
  private readonly selectCounts: Statement<[], { all: number; done: number }>;
  private readonly selectIds: Statement<[], string>;
  private readonly insertOne: Statement<[NewTodo]>;
  private readonly updateOne: Statement<[TodoContent & { completed: 0 | 1 }]>;
  private readonly selectKnown: Statement<[string], KnownTodo>;
  private readonly upsertImported: Statement<[ImportedTodo]>;
  private readonly touchOne: Statement<[number, string]>;

  constructor({ sqlite }: TenantDatabase) {
    // instr, not LIKE: what is searched for has no wildcards
    this.selectPage = sqlite.prepare(
      `SELECT ${COLUMNS}
       WHERE deleted_at IS NULL AND position < @below
         AND (@completed IS NULL OR completed = @completed)
         AND (@needle IS NULL OR instr(search_text, @needle) > 0)
       ORDER BY position DESC LIMIT @limit`,
    );
    this.selectById = sqlite.prepare(`SELECT ${COLUMNS} WHERE id = ? AND deleted_at IS NULL`);
    this.selectCounts = sqlite.prepare(
      'SELECT count(*) AS "all", coalesce(sum(completed), 0) AS done FROM todos WHERE deleted_at IS NULL',
    );
    this.selectIds = sqlite
      .prepare<[], string>('SELECT id FROM todos WHERE deleted_at IS NULL ORDER BY position DESC')
      .pluck();
    this.insertOne = sqlite.prepare(
      `INSERT INTO todos (id, title, description, completed, created_at, updated_at, search_text, position)
       VALUES (@id, @title, @description, 0, @now, @now, @searchText, @position)`,
    );
    this.updateOne = sqlite.prepare(
      `UPDATE todos SET title = @title, description = @description, completed = @completed,
         updated_at = max(@now, updated_at), search_text = @searchText WHERE id = @id`,
    );
    this.selectKnown = sqlite.prepare(
      `SELECT title, description, completed, created_at AS createdAt, updated_at AS updatedAt, deleted_at AS deletedAt,
         sha256, bytes
       FROM todos LEFT JOIN todo_images ON todo_id = id WHERE id = ?`,
    );
    this.upsertImported = sqlite.prepare(
      `INSERT INTO todos (id, title, description, completed, created_at, updated_at, search_text, position)
       VALUES (@id, @title, @description, @completed, @createdAt, @updatedAt, @searchText, @position)
       ON CONFLICT (id) DO UPDATE SET title = excluded.title, description = excluded.description,
         completed = excluded.completed, created_at = excluded.created_at, updated_at = excluded.updated_at,
         search_text = excluded.search_text, deleted_at = NULL`,
    );
    this.touchOne = sqlite.prepare('UPDATE todos SET updated_at = max(?, updated_at) WHERE id = ?');
  }

  page(query: PageQuery): TodoRow[] {
    return this.selectPage.all(query);
  }

  byId(id: string): TodoRow | undefined {
    return this.selectById.get(id);
  }

  idsInOrder(): string[] {
    return this.selectIds.all();
  }

  counts(): TodoPage['counts'] {
    const { all, done } = this.selectCounts.get() ?? { all: 0, done: 0 };
    return { all, open: all - done, done };
  }

  insert(todo: NewTodo): void {
    this.insertOne.run(todo);
  }

  update(todo: TodoContent & { completed: 0 | 1 }): void {
    this.updateOne.run(todo);
  }

  known(id: string): KnownTodo | undefined {
    return this.selectKnown.get(id);
  }

  /** Makes it, or makes it what is given; one that is there keeps its place, one that was deleted is there again. */
  putImported(todo: ImportedTodo): void {
    this.upsertImported.run(todo);
  }

  /** Something that belongs to the to-do changed. */
  touch(id: string, now: number): void {
    this.touchOne.run(now, id);
  }
}
