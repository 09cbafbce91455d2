import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';
import { isRunning } from '../support/processes';
import { until } from '../support/until';
import { machineProcesses } from './support/machine-processes';
import { litefsMounts } from './support/mounts';

afterAll(endAll);

const ROUNDS = 10;

describe('kill -9 under writes, on LiteFS', () => {
  it.each([
    ['LiteFS', ['litefs']],
    ['the app', ['node']],
    ['both', ['litefs', 'node']],
  ] as const)(
    'of %s, ten times: no acknowledged write is lost, and the next request starts it again',
    async (_, kill) => {
      const plane = await ControlPlane.start({ EMBEDDED_LITEFS: '1' });
      const ada = await Client.withApp(plane);
      const { appName } = await ada.tenant();
      const acknowledged: string[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const before = acknowledged.length;
        let isWriting = true;
        const writing = ada.writeWhile(() => isWriting, acknowledged);
        await until(() => acknowledged.length > before, { what: 'a first write' });
        await sleep(50 + round * 7);
        const programs = machineProcesses(appName);
        for (const name of kill) process.kill(programs[name] ?? NaN, 'SIGKILL');
        await until(() => !isRunning(programs.litefs ?? 0) && !isRunning(programs.node ?? 0), { what: 'both to end' });
        await untilAnswered(ada);
        isWriting = false;
        await writing;
        const titles = await ada.allTitles();
        expect(acknowledged.filter((title) => !titles.includes(title))).toEqual([]);
        expect(litefsMounts(plane.dataDir)).toHaveLength(1);
      }
      expect(acknowledged.length).toBeGreaterThan(ROUNDS * 2);
      expect(await plane.end('SIGTERM')).toBe(0);
      expect(litefsMounts(plane.dataDir)).toEqual([]);
    },
  );
});

/** A request on a connection that was not seen closing yet may fail: it was sent, so it is not repeated. A later one is answered. */
async function untilAnswered(client: Client): Promise<void> {
  await until(
    async () => {
      const { status } = await client.fetch('/api/v1/todos');
      expect([200, 502, 503]).toContain(status);
      return status === 200;
    },
    { what: 'an answer after the crash', pollMs: 50 },
  );
}
