import { machinesContract } from './contract/contract';
import { startTarget } from './support/target';

describe('Machines API', () => machinesContract(startTarget));
