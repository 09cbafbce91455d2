import { DomainError } from '@app/common/errors/domain-error';
import { Injectable } from '@nestjs/common';
import type { Statement } from 'better-sqlite3';
import { TenantDatabase } from '../database/tenant-database';
import type { ErrorCode } from '../error-codes';
import type { Picture } from './picture';

export interface ImageFacts {
  mimeType: string;
  bytes: number;
  sha256: string;
}

/** The rows of `todo_images`, apart from `todos`, so that a list never drags pictures. */
@Injectable()
export class ImageStore {
  private readonly upsert: Statement<[string, string, number, string, Buffer]>;
  private readonly selectFacts: Statement<[string], ImageFacts>;
  private readonly selectData: Statement<[string, string], Buffer>;
  private readonly selectTotals: Statement<[], { count: number; bytes: number }>;
  private readonly delete: Statement<[string]>;

  constructor(database: TenantDatabase) {
    this.upsert = database.sqlite.prepare(
      'INSERT OR REPLACE INTO todo_images (todo_id, mime_type, bytes, sha256, data) VALUES (?, ?, ?, ?, ?)',
    );
    this.selectFacts = database.sqlite.prepare(
      `SELECT mime_type AS mimeType, bytes, sha256 FROM todo_images JOIN todos ON id = todo_id
       WHERE todo_id = ? AND deleted_at IS NULL`,
    );
    this.selectData = database.sqlite
      .prepare<[string, string], Buffer>('SELECT data FROM todo_images WHERE todo_id = ? AND sha256 = ?')
      .pluck();
    this.selectTotals = database.sqlite.prepare(
      `SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM todo_images JOIN todos ON id = todo_id
       WHERE deleted_at IS NULL`,
    );
    this.delete = database.sqlite.prepare('DELETE FROM todo_images WHERE todo_id = ?');
  }

  put(todoId: string, { mimeType, data, sha256 }: Picture): void {
    this.upsert.run(todoId, mimeType, data.length, sha256, data);
  }

  /** Nothing where there is none, or where its to-do is deleted. */
  facts(todoId: string): ImageFacts | undefined {
    return this.selectFacts.get(todoId);
  }

  /** The bytes, while the picture is still the one that `sha256` names. */
  data(todoId: string, sha256: string): Buffer | undefined {
    return this.selectData.get(todoId, sha256);
  }

  totals(): { count: number; bytes: number } {
    return this.selectTotals.get() ?? { count: 0, bytes: 0 };
  }

  /** True where there was one. */
  remove(todoId: string): boolean {
    return this.delete.run(todoId).changes > 0;
  }
}

export function imageNotFound(): DomainError<ErrorCode> {
  return new DomainError('image_not_found', 'This to-do has no picture.');
}
