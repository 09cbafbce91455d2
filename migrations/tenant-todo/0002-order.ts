/**
 * `position` is the place in the list, the highest on top. A fraction, so that a to-do that is moved between two others needs no
 * other row written; `seq` was the order until now and stays the place where one is. `order_generation` counts how often all
 * positions were given anew.
 */
export const order = {
  version: 2,
  name: 'order',
  sql: `
    ALTER TABLE todos ADD COLUMN position REAL NOT NULL DEFAULT 0;
    UPDATE todos SET position = seq;
    CREATE UNIQUE INDEX todos_in_order ON todos (position);
    DROP INDEX todos_by_completed;
    CREATE INDEX todos_by_completed ON todos (completed, position);
    INSERT INTO meta (key, value) VALUES ('order_generation', '0');
  `,
};
