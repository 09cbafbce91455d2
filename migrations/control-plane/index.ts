import { CreateTables1790000000000 } from './1790000000000-create-tables';

/** In the order in which they run; a landed one is never edited. */
export const controlPlaneMigrations = [CreateTables1790000000000];
