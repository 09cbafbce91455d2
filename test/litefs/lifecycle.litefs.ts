import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { machineProcesses } from './support/machine-processes';
import { litefsMounts } from './support/mounts';
import { replicaLifecycle } from './support/replica-lifecycle';

describe('a replica on the embedded platform', () => {
  replicaLifecycle({
    environment: (isOnLitefs) => ({ EMBEDDED_LITEFS: isOnLitefs ? '1' : '0' }),
    place: (folder) => ({
      programsOf: ({ appName, machineId }) => Promise.resolve(machineProcesses(appName, machineId)),
      mounts: () => litefsMounts(folder),
    }),
    volumesInUse: (folder) => readdirSync(join(folder, 'embedded', 'volumes')).length,
    cleanUp: (folder) => Promise.resolve(expect(litefsMounts(folder)).toEqual([])),
  });
});
