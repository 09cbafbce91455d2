import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { Api } from './support/api';
import { newStateDir, removeStateDir, startAlone, type EmbeddedPlatform } from './support/embedded';
import { getMachine, newApp, newMachine, newVolume, start, waitFor, type MachineBody } from './support/fixtures';

interface Echo {
  env: Record<string, string>;
  cwd: string;
  pid: number;
  execArgv: string[];
}
import { eventually, processesIn } from './support/processes';

/** What a machine's process is given, and what it is held to. */
describe('a machine on the embedded platform', () => {
  let stateDir: string;
  let platform: EmbeddedPlatform;
  let api: Api;

  beforeAll(async () => {
    stateDir = newStateDir();
    platform = await startAlone(stateDir);
    api = new Api(platform.baseUrl);
  });

  afterAll(async () => {
    await api.close();
    await platform.stop();
    removeStateDir(stateDir);
  });

  const ask = async ({ private_ip: ip }: MachineBody, path = '/', method: 'GET' | 'PUT' = 'GET') =>
    (await (await request(`http://${ip}:3000${path}`, { method })).body.json()) as Echo;

  it('finds its own environment and nothing of the platform’s', async () => {
    const app = await newApp(api);
    const volume = await newVolume(api, app);
    const env = { DATA_DIR: '/data', BELOW: '/data/a b', BESIDE: '/database', TEXT: 'a "b" $c\nd' };
    const machine = await newMachine(api, app, { volume: volume.id, env, memoryMb: 512 });
    await start(api, app, machine.id);
    const directory = join(stateDir, 'volumes', volume.id);
    const found = await ask(machine);
    expect(found.env).toEqual({
      ...env,
      DATA_DIR: directory,
      BELOW: `${directory}/a b`,
      FLY_APP_NAME: app,
      FLY_MACHINE_ID: machine.id,
      FLY_ALLOC_ID: machine.id,
      FLY_REGION: 'iad',
      PRIMARY_REGION: 'iad',
      FLY_PRIVATE_IP: machine.private_ip,
      FLY_IMAGE_REF: 'echo',
      FLY_MACHINE_VERSION: machine.version,
      FLY_VM_MEMORY_MB: '512',
      HOST: machine.private_ip,
      PORT: '3000',
    });
    expect(found.cwd).toBe(join(stateDir, 'machines', machine.id, 'work'));
    expect(found.execArgv).toEqual(['--max-old-space-size=307']);
  });

  it('keeps its volume’s content over a stop, an update and a new machine', async () => {
    const app = await newApp(api);
    const volume = await newVolume(api, app);
    const machine = await newMachine(api, app, { volume: volume.id, env: { DATA_DIR: '/data' } });
    await start(api, app, machine.id);
    await ask(machine, '/list.sqlite', 'PUT');
    await api.call('DELETE', `/v1/apps/${app}/machines/${machine.id}?force=true`);
    const next = await newMachine(api, app, { volume: volume.id });
    await start(api, app, next.id);
    expect(readdirSync(join(stateDir, 'volumes', volume.id))).toEqual(['list.sqlite']);
  });

  it('takes along what its program started, however that ended', async () => {
    const app = await newApp(api);
    const { id } = await newMachine(api, app, { image: 'orphan', launch: true });
    await waitFor(api, app, id, 'stopped');
    const { body } = await api.call('GET', `/v1/apps/${app}/machines/${id}/logs`);
    expect(body).toMatch(/^child \d+$/m);
    await eventually('nothing of the machine is left', () => processesIn(join(stateDir, 'machines', id)).length === 0);
  });

  it('is killed when it takes more memory than it has, and its history says so', async () => {
    const app = await newApp(api);
    const machine = await newMachine(api, app, { image: 'hog', memoryMb: 128, launch: true });
    await waitFor(api, app, machine.id, 'stopped');
    expect((await getMachine(api, app, machine.id)).events[0]).toMatchObject({
      type: 'exit',
      request: { exit_event: { oom_killed: true, requested_stop: false, signal: 'SIGKILL' } },
    });
  });

  it('has a log that is kept within bounds and shows the last that was written', async () => {
    const app = await newApp(api);
    const machine = await newMachine(api, app, { image: 'noisy', launch: true });
    const log = join(stateDir, 'machines', machine.id, 'machine.log');
    const bytes = () => [log, `${log}.1`].filter((file) => existsSync(file)).map((file) => statSync(file).size);
    let most = 0;
    for (let look = 0; look < 30; look += 1) {
      await sleep(100);
      most = Math.max(most, ...bytes());
    }
    expect(most).toBeGreaterThan(2 * 1024 * 1024); // it wrote several times what is kept
    await api.call('POST', `/v1/apps/${app}/machines/${machine.id}/stop`);
    await waitFor(api, app, machine.id, 'stopped');
    const shown = await api.call('GET', `/v1/apps/${app}/machines/${machine.id}/logs?bytes=2000`);
    expect(String(shown.body)).toHaveLength(2000);
    expect(bytes().reduce((sum, size) => sum + size, 0)).toBeLessThan(32 * 1024 * 1024);
  });

  it('keeps what a crashed one wrote', async () => {
    const app = await newApp(api);
    const { id } = await newMachine(api, app, { image: 'crash', launch: true });
    await waitFor(api, app, id, 'stopped');
    const { body, headers } = await api.call('GET', `/v1/apps/${app}/machines/${id}/logs`);
    expect(body).toBe('something is wrong with me\n');
    expect(headers['content-type']).toMatch(/^text\/plain/);
  });
});
