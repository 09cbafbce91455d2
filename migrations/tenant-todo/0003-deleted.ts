/** A deleted to-do keeps its row and picture for a while, so that it can be restored; null for one that is not deleted. */
export const deleted = {
  version: 3,
  name: 'deleted',
  sql: `
    ALTER TABLE todos ADD COLUMN deleted_at INTEGER;
    CREATE INDEX todos_by_deletion ON todos (deleted_at) WHERE deleted_at IS NOT NULL;
    DROP INDEX todos_by_completed;
    CREATE INDEX todos_by_completed ON todos (completed, position) WHERE deleted_at IS NULL;
  `,
};
