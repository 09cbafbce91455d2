import { CreateTables1790000000000 } from './1790000000000-create-tables';
import { RolesAndEpochs1790000000001 } from './1790000000001-roles-and-epochs';

/** In the order in which they run; a landed one is never edited. */
export const controlPlaneMigrations = [CreateTables1790000000000, RolesAndEpochs1790000000001];
