import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TableLedger } from '../../apps/control-plane/src/machines/minifly-ledger';
import { replicaLifecycle } from '../litefs/support/replica-lifecycle';
import { ContainerPlace } from './support/container-ground';
import { removeAllBelow } from './support/docker';
import { RealMinifly } from './support/real-minifly';

let minifly: RealMinifly;

beforeAll(async () => {
  minifly = await RealMinifly.start('--litefs');
});
afterAll(() => minifly.end());

describe('a replica in a container', () => {
  replicaLifecycle({
    environment: (isOnLitefs) => ({ ...minifly.env, MINIFLY_LITEFS: isOnLitefs ? '1' : '0' }),
    place: (_, dataSource) => new ContainerPlace(new TableLedger(dataSource)),
    volumesInUse: (_, appName) => {
      const volumes = join(minifly.dataDir, 'minifly-data', appName, 'volumes');
      return existsSync(volumes)
        ? readdirSync(volumes).filter((id) => readdirSync(join(volumes, id)).length > 0).length
        : 0;
    },
    cleanUp: () => removeAllBelow(minifly.dataDir),
  });
});
