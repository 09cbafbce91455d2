import { execFileSync } from 'node:child_process';
import { Client } from '../support/client';
import { ControlPlane, endAll, useTenantsOn } from '../support/control-plane';
import { until } from '../support/until';
import { containersOf } from './support/docker';
import { RealMinifly } from './support/real-minifly';

/** Ends Docker's engine and starts it again; set by docker/test-minifly.sh, which knows how it was started. */
const RESTART = process.env['RESTART_DOCKER'];

/** The last file: it takes the engine away from everybody. */
describe('Docker’s engine started again', () => {
  let minifly: RealMinifly;

  beforeAll(async () => {
    minifly = await RealMinifly.start();
    useTenantsOn(minifly.env);
  });
  afterAll(async () => {
    await endAll();
    await minifly.end();
  });

  it('changes nothing on record while it is away, and tenants come back with the next request', async () => {
    const plane = await ControlPlane.start();
    const [ada, bob] = await Promise.all([Client.withApp(plane), Client.withApp(plane, 'syd')]);
    await ada.add('of Ada');
    await bob.add('of Bob');
    if (!RESTART) throw new Error('RESTART_DOCKER is not set: run docker/test-minifly.sh.');
    execFileSync('/bin/sh', ['-c', RESTART], { stdio: 'ignore', timeout: 60_000 });

    expect((await ada.tenant()).status).toBe('active');
    for (const [client, title] of [
      [ada, 'of Ada'],
      [bob, 'of Bob'],
    ] as const) {
      const { appName } = await client.tenant();
      await until(async () => (await client.fetch('/api/v1/todos')).status === 200, { ms: 30_000, pollMs: 200 });
      expect((await client.todos()).items).toMatchObject([{ title }]);
      expect(await containersOf(appName)).toMatchObject([{ isRunning: true }]);
    }
    const eve = await Client.withApp(plane);
    await eve.add('of Eve, who came after');
  }, 120_000);
});
