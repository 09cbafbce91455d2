import { countedAs } from '@app/minifly-client/rate-limits';
import { ERRORS_OF_THE_FILE } from '../machines-contract/support/fly-world';
import { Client } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';
import { FlyFake } from '../support/fly-fake';
import { FlyOpenApi } from '../support/fly-openapi';
import { until } from '../support/until';

/** The control plane as it is set up for Fly, up to where only Fly's network could take it further. */
describe('the control plane on Fly', () => {
  let fly: FlyFake;

  beforeAll(async () => {
    fly = await FlyFake.start();
  });

  afterAll(async () => {
    await endAll();
    await fly.close();
  });

  it('starts a tenant’s machine through Fly’s API with its token, within its limits, and takes it down with the account', async () => {
    const plane = await ControlPlane.start({
      ...fly.env,
      TENANT_MEMORY_MB: '512',
    });
    const ada = new Client(plane);
    expect((await ada.signUp('fra')).status).toBe(201);
    await until(() => [...fly.apps.values()].some(({ machines }) => machines[0]?.state === 'started'), {
      what: () => plane.output,
    });
    const [app] = fly.apps.values();
    expect(app).toMatchObject({
      name: expect.stringMatching(/^todo-user-[0-9a-f]{8}$/) as string,
      network: expect.stringMatching(/^tenant-[0-9a-f-]{36}$/) as string,
      ips: [{}],
      volumes: [{ region: 'fra' }],
      machines: [{ region: 'fra', config: { image: 'registry.fly.io/todo-tenant:1', guest: { memory_mb: 512 } } }],
    });
    expect([...fly.authorizations]).toEqual(['Bearer FlyV1 a-token']);
    expect(plane.output).not.toContain('a-token');

    expect((await ada.json('DELETE', '/api/v1/me', { password: ada.password })).status).toBe(202);
    await until(() => fly.apps.size === 0, { what: () => plane.output });
    expect(tooSoon(fly.requests)).toEqual([]);
    const openApi = new FlyOpenApi();
    const problems = fly.requests.flatMap((request) => openApi.problemsOf(request));
    expect(problems.filter((problem) => !(problem in ERRORS_OF_THE_FILE))).toEqual([]);
    expect(plane.descendants()).toEqual([]); // no embedded platform beside it
  });
});

/** Requests that came before Fly would have taken them: a fourth of a kind within a second of the first, an eleventh look at a machine. */
function tooSoon(requests: FlyFake['requests']): string[] {
  const slackMs = 500; // the way here is not always as long, least of all on a busy machine
  return requests.flatMap((request, index) => {
    const { key, rate } = countedAs(request);
    const before = requests.slice(0, index).filter((other) => countedAs(other).key === key);
    const burstAgo = before.at(-rate.burst);
    const isTooSoon = burstAgo !== undefined && request.at - burstAgo.at < 1000 / rate.perSecond - slackMs;
    return isTooSoon ? [`${request.method} ${request.path}`] : [];
  });
}
