import { KILLED_PROGRAMS, killUnderWrites } from '../litefs/support/kills-under-writes';
import { killPrograms, programsAmong } from '../litefs/support/machine-processes';
import { mountsInContainers } from '../litefs/support/mounts';
import { Client } from '../support/client';
import { ControlPlane, endAll, useTenantsOn } from '../support/control-plane';
import { until } from '../support/until';
import { pidsIn, runIn, runningContainer, stopContainer } from './support/docker';
import { RealMinifly } from './support/real-minifly';

/** What a tenant on LiteFS in a container outlives. */
let minifly: RealMinifly;

beforeAll(async () => {
  minifly = await RealMinifly.start('--litefs');
  useTenantsOn({ ...minifly.env, MINIFLY_LITEFS: '1' });
});
afterEach(endAll);
afterAll(() => minifly.end());

async function newcomer(): Promise<{ ada: Client; appName: string }> {
  const ada = await Client.withApp(await ControlPlane.start());
  return { ada, appName: (await ada.tenant()).appName };
}

const litefsMountsIn = (container: string) => runIn(container, 'findmnt', '-n', '-o', 'TARGET', '-S', 'litefs').said;

// LiteFS is the first process of its container: killing it is what `docker kill` does.
describe('kill -9 under writes, on LiteFS in a container', () => {
  it.each(KILLED_PROGRAMS)(
    'of %s, ten times: no acknowledged write is lost, and the next request starts the same container, with one mount',
    async (_, names) => {
      const { ada, appName } = await newcomer();
      const container = await runningContainer(appName);
      await killUnderWrites(
        ada,
        async () => killPrograms(programsAmong(await pidsIn(container)), names),
        async () => {
          expect(await runningContainer(appName)).toBe(container);
          expect(litefsMountsIn(container)).toBe('/litefs\n');
        },
      );
    },
    120_000,
  );
});

it('ends by SIGTERM with exit code 0, under writes too, and without a mount or a process left', async () => {
  const before = mountsInContainers();
  const { ada, appName } = await newcomer();
  const container = await runningContainer(appName);
  const acknowledged: string[] = [];
  let isWriting = true;
  const writing = ada.writeWhile(() => isWriting, acknowledged);
  await until(() => acknowledged.length > 10, { what: 'writes' });
  const stopping = stopContainer(container);
  isWriting = false;
  expect(await stopping).toBe(0);
  await writing;
  // A write that came after the stop has started it again.
  await until(async () => (await ada.fetch('/api/v1/todos')).status === 200, { what: 'an answer', pollMs: 50 });
  const titles = await ada.allTitles();
  expect(acknowledged.filter((title) => !titles.includes(title))).toEqual([]);
  expect(mountsInContainers().filter((mount) => !before.includes(mount))).toHaveLength(1);
  expect(await stopContainer(container)).toBe(0);
  expect(mountsInContainers().filter((mount) => !before.includes(mount))).toEqual([]);
});
