/** `search_text` holds title and description folded for comparing, since SQLite's own `lower` knows ASCII alone. */
export const todos = {
  version: 1,
  name: 'todos',
  sql: `
    CREATE TABLE meta (
      key TEXT NOT NULL PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE todos (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      title TEXT NOT NULL,
      description TEXT NOT NULL,
      completed INTEGER NOT NULL CHECK (completed IN (0, 1)),
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      search_text TEXT NOT NULL
    ) STRICT;
    CREATE INDEX todos_by_completed ON todos (completed, seq);

    CREATE TABLE todo_images (
      todo_id TEXT NOT NULL PRIMARY KEY REFERENCES todos (id) ON DELETE CASCADE,
      mime_type TEXT NOT NULL,
      bytes INTEGER NOT NULL,
      sha256 TEXT NOT NULL,
      data BLOB NOT NULL
    ) STRICT;

    CREATE TABLE idempotency_keys (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      key TEXT NOT NULL UNIQUE,
      fingerprint TEXT NOT NULL,
      answer TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
  `,
};
