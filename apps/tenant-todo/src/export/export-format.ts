/** What a JSON export begins with, and an import has to name: `{format, version, exportedAt, todos: [to-do with image.data]}`. */
export const EXPORT_FORMAT = 'todo-export';
export const EXPORT_VERSION = 1;
