import { openSqlite, type SqliteDatabase } from '@app/common/sqlite/open';
import type { Statement } from 'better-sqlite3';
import type { Picture } from '../images/picture';

export interface StagedTodo {
  /** Where it stands in the file, from 0. */
  place: number;
  id: string;
  title: string;
  description: string;
  completed: 0 | 1;
  createdAt: number;
  updatedAt: number;
  mimeType: string | null;
  sha256: string | null;
  bytes: number | null;
}

/** What an import has read so far: a database of its own, that is thrown away when the import is done or has failed. */
export class ImportStage {
  private readonly sqlite: SqliteDatabase;
  private readonly insert: Statement<[StagedTodo & { data: Buffer | null }]>;
  private readonly selectData: Statement<[number], Buffer>;

  constructor(file: string) {
    // One process's own file for some seconds: it needs no journal, and nothing of it has to outlast a crash.
    this.sqlite = openSqlite(file, { journalMode: 'delete', synchronous: 'NORMAL' });
    this.sqlite.pragma('journal_mode = OFF');
    this.sqlite.pragma('synchronous = OFF');
    this.sqlite.pragma('cache_size = -2000'); // KiB instead of 16 MB: each picture is written once and read once
    this.sqlite.exec(
      `CREATE TABLE staged (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT, description TEXT,
         completed INTEGER, createdAt INTEGER, updatedAt INTEGER, mimeType TEXT, sha256 TEXT, bytes INTEGER, data BLOB)`,
    );
    this.insert = this.sqlite.prepare(
      `INSERT INTO staged VALUES (@place, @id, @title, @description, @completed, @createdAt, @updatedAt, @mimeType, @sha256,
         @bytes, @data)`,
    );
    this.selectData = this.sqlite.prepare<[number], Buffer>('SELECT data FROM staged WHERE place = ?').pluck();
  }

  /** False where there is one of that id already. */
  add(todo: Omit<StagedTodo, 'mimeType' | 'sha256' | 'bytes'>, picture: Picture | null): boolean {
    const { mimeType = null, sha256 = null, data = null } = picture ?? {};
    try {
      this.insert.run({ ...todo, mimeType, sha256, bytes: data?.length ?? null, data });
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === 'SQLITE_CONSTRAINT_UNIQUE') return false;
      throw error;
    }
  }

  /** In the order of the file, without the pictures' bytes. */
  todos(): IterableIterator<StagedTodo> {
    return this.sqlite
      .prepare<[], StagedTodo>(
        `SELECT place, id, title, description, completed, createdAt, updatedAt, mimeType, sha256, bytes
         FROM staged ORDER BY place`,
      )
      .iterate();
  }

  picture({ place, mimeType, sha256 }: StagedTodo): Picture | null {
    const data = this.selectData.get(place);
    return data && mimeType !== null && sha256 !== null ? { data, mimeType, sha256 } : null;
  }

  close(): void {
    this.sqlite.close();
  }
}
