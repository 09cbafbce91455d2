import { Client } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';
import { KILLED_PROGRAMS, killUnderWrites } from './support/kills-under-writes';
import { killPrograms, machineProcesses } from './support/machine-processes';
import { litefsMounts } from './support/mounts';

afterAll(endAll);

describe('kill -9 under writes, on LiteFS', () => {
  it.each(KILLED_PROGRAMS)(
    'of %s, ten times: no acknowledged write is lost, and the next request starts it again',
    async (_, names) => {
      const plane = await ControlPlane.start({ EMBEDDED_LITEFS: '1' });
      const ada = await Client.withApp(plane);
      const { appName } = await ada.tenant();
      await killUnderWrites(
        ada,
        () => killPrograms(machineProcesses(appName), names),
        () => expect(litefsMounts(plane.dataDir)).toHaveLength(1),
      );
      expect(await plane.end('SIGTERM')).toBe(0);
      expect(litefsMounts(plane.dataDir)).toEqual([]);
    },
  );
});
