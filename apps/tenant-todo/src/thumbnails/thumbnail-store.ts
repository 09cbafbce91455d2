import { Injectable } from '@nestjs/common';
import type { Statement } from 'better-sqlite3';
import { TenantDatabase } from '../database/tenant-database';

/** The rows of `todo_thumbnails`: one beside each picture that was asked for as a small one. */
@Injectable()
export class ThumbnailStore {
  private readonly select: Statement<[string, string], { data: Buffer | null }>;
  private readonly upsert: Statement<[string, string, Buffer | null]>;

  constructor({ sqlite }: TenantDatabase) {
    this.select = sqlite.prepare('SELECT data FROM todo_thumbnails WHERE todo_id = ? AND sha256 = ?');
    this.upsert = sqlite.prepare('INSERT OR REPLACE INTO todo_thumbnails (todo_id, sha256, data) VALUES (?, ?, ?)');
  }

  /** That of the picture that `sha256` names: undefined where none was made yet, null where none can be made. */
  find(todoId: string, sha256: string): Buffer | null | undefined {
    return this.select.get(todoId, sha256)?.data;
  }

  put(todoId: string, sha256: string, data: Buffer | null): void {
    this.upsert.run(todoId, sha256, data);
  }
}
