/** A to-do as clients see it; times are ISO 8601. */
export interface Todo {
  id: string;
  title: string;
  description: string;
  completed: boolean;
  createdAt: string;
  updatedAt: string;
  image: null | { mimeType: string; bytes: number; sha256: string };
}

export interface TodoPage {
  items: Todo[];
  /** Where the next page begins; null at the end. */
  nextCursor: string | null;
  /** Of the whole list, whatever `filter` and `q` say. */
  counts: { all: number; open: number; done: number };
}

/** A row of `todos` with what `todo_images` says about its picture. */
export interface TodoRow {
  position: number;
  id: string;
  title: string;
  description: string;
  completed: 0 | 1;
  created_at: number;
  updated_at: number;
  mime_type: string | null;
  bytes: number | null;
  sha256: string | null;
}

export function toTodo(row: TodoRow): Todo {
  return {
    id: row.id,
    title: row.title,
    description: row.description,
    completed: row.completed === 1,
    createdAt: new Date(row.created_at).toISOString(),
    updatedAt: new Date(row.updated_at).toISOString(),
    image:
      row.mime_type === null || row.bytes === null || row.sha256 === null
        ? null
        : { mimeType: row.mime_type, bytes: row.bytes, sha256: row.sha256 },
  };
}
