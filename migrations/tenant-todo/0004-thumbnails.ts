/** Made of the picture that `sha256` names, which goes with it. `data` is null where none could be made. */
export const thumbnails = {
  version: 4,
  name: 'thumbnails',
  sql: `
    CREATE TABLE todo_thumbnails (
      todo_id TEXT NOT NULL PRIMARY KEY REFERENCES todo_images (todo_id) ON DELETE CASCADE,
      sha256 TEXT NOT NULL,
      data BLOB
    ) STRICT;
  `,
};
