import type { SqliteMigration } from '@app/common/sqlite/migrate';
import { todos } from './0001-todos';
import { order } from './0002-order';
import { deleted } from './0003-deleted';
import { thumbnails } from './0004-thumbnails';

/** In the order in which they run. A landed one is never edited: a change is a new file at the end. */
export const tenantTodoMigrations: readonly SqliteMigration[] = [todos, order, deleted, thumbnails];
