import { CreateTables1790000000000 } from './1790000000000-create-tables';
import { CreateApiTokens1790000000010 } from './1790000000010-create-api-tokens';
import { RolesAndEpochs1790000000020 } from './1790000000020-roles-and-epochs';
import { MiniflyApps1790000100000 } from './1790000100000-minifly-apps';

/** In the order in which they run; a landed one is never edited. */
export const controlPlaneMigrations = [
  CreateTables1790000000000,
  CreateApiTokens1790000000010,
  RolesAndEpochs1790000000020,
  MiniflyApps1790000100000,
];
