import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Api, newAppName } from './support/api';
import { newStateDir, removeStateDir, ready, socketArgs, spawnPlatform, startAlone } from './support/embedded';
import { getMachine, machineRequest, newApp, newMachine, newVolume, start, type MachineBody } from './support/fixtures';
import { eventually, isAlive } from './support/processes';

/** State on disk: kill -9 at any moment, and a second platform on the same directory. */
describe('the embedded platform', () => {
  let stateDir: string;

  beforeEach(() => {
    stateDir = newStateDir();
  });

  afterEach(() => removeStateDir(stateDir));

  it('finds everything it had acknowledged after kill -9, its machines stopped', async () => {
    const first = await startAlone(stateDir);
    const api = new Api(first.baseUrl);
    const app = await newApp(api, 'tenant-x');
    const volume = await newVolume(api, app);
    const running = await newMachine(api, app, { volume: volume.id, name: 'a', metadata: { tenant_id: 'x' } });
    await start(api, app, running.id);
    const before = await getMachine(api, app, running.id);
    await first.kill();
    await api.close();

    const second = await startAlone(stateDir);
    const again = new Api(second.baseUrl);
    expect((await again.call('GET', `/v1/apps/${app}`)).body).toMatchObject({ network: 'tenant-x', volume_count: 1 });
    const { state, version, private_ip: address, config } = await getMachine(again, app, running.id);
    expect({ state, version, address }).toEqual({
      state: 'stopped',
      version: before.version,
      address: before.private_ip,
    });
    expect(config).toEqual(before.config);
    await start(again, app, running.id);
    await second.stop();
    await again.close();
  });

  it('has every machine that it acknowledged, and none that is half made, when killed amid creations', async () => {
    for (let round = 0; round < 5; round += 1) {
      const first = await startAlone(stateDir);
      const api = new Api(first.baseUrl);
      const app = await newApp(api);
      const acknowledged: string[] = [];
      const creating = (async () => {
        for (let n = 0; ; n += 1) {
          const volume = await newVolume(api, app);
          const machine = await newMachine(api, app, { name: `m-${n}`, volume: volume.id, launch: n % 2 === 0 });
          acknowledged.push(machine.id);
        }
      })().catch(() => undefined);
      await eventually('some machines are made', () => acknowledged.length >= 5 + round);
      await first.kill();
      await creating;
      await api.close();

      const second = await startAlone(stateDir);
      const again = new Api(second.baseUrl);
      const machines = (await again.call('GET', `/v1/apps/${app}/machines`)).body as MachineBody[];
      expect(machines.map(({ id }) => id)).toEqual(expect.arrayContaining(acknowledged));
      expect(machines.length).toBeLessThanOrEqual(acknowledged.length + 1); // the one whose answer was under way
      expect(new Set(machines.map(({ state }) => state))).toEqual(new Set(['stopped']));
      // The last one's name is either free or leads to the machine that has it.
      const last = await again.call('POST', `/v1/apps/${app}/machines`, {
        body: machineRequest({ name: `m-${acknowledged.length}` }),
      });
      expect([200, 409]).toContain(last.status);
      await second.stop();
      await again.close();
    }
  }, 60_000);

  it('removes what a cut-short creation left on disk, but never a directory with something in it', async () => {
    await (await startAlone(stateDir)).stop();
    const full = join(stateDir, 'volumes', 'vol_full');
    mkdirSync(join(stateDir, 'volumes', 'vol_empty'));
    mkdirSync(full);
    writeFileSync(join(full, 'todo.sqlite'), 'data');
    mkdirSync(join(stateDir, 'machines', 'half'));
    const unfinished = join(stateDir, 'volumes', 'vol_fork.copying'); // the volume that it is a copy of has all of it
    mkdirSync(unfinished);
    writeFileSync(join(unfinished, 'todo.sqlite'), 'da');
    await (await startAlone(stateDir)).stop();
    expect(readdirSync(join(stateDir, 'volumes'))).toEqual(['vol_full']);
    expect(readdirSync(full)).toEqual(['todo.sqlite']);
    expect(readdirSync(join(stateDir, 'machines'))).toEqual([]);
  });

  it('knows a volume no more whose directory was removed, and makes no empty one in its place', async () => {
    const platform = await startAlone(stateDir);
    const api = new Api(platform.baseUrl);
    const app = await newApp(api);
    const volume = await newVolume(api, app);
    const machine = await newMachine(api, app, { volume: volume.id });
    const directory = join(stateDir, 'volumes', volume.id);
    rmSync(directory, { recursive: true });
    const refusal = { status: 412, body: { error: `failed_precondition: volume ${volume.id} not found` } };
    expect(await api.call('POST', `/v1/apps/${app}/machines/${machine.id}/start`)).toMatchObject(refusal);
    expect((await api.call('GET', `/v1/apps/${app}/volumes/${volume.id}`)).status).toBe(404);
    expect((await api.call('GET', `/v1/apps/${app}/volumes`)).body).toEqual([]);
    await api.call('DELETE', `/v1/apps/${app}/machines/${machine.id}?force=true`);
    const remade = await api.call('POST', `/v1/apps/${app}/machines`, { body: machineRequest({ volume: volume.id }) });
    expect(remade).toMatchObject(refusal);
    expect(existsSync(directory)).toBe(false);
    await platform.stop();
    await api.close();
  });

  it('removes directories with what they belonged to', async () => {
    const platform = await startAlone(stateDir);
    const api = new Api(platform.baseUrl);
    const app = await newApp(api);
    const volume = await newVolume(api, app);
    const machine = await newMachine(api, app, { volume: volume.id });
    await start(api, app, machine.id);
    expect(existsSync(join(stateDir, 'machines', machine.id))).toBe(true);
    await api.call('DELETE', `/v1/apps/${app}/machines/${machine.id}?force=true`);
    expect(existsSync(join(stateDir, 'machines', machine.id))).toBe(false);
    expect(existsSync(join(stateDir, 'volumes', volume.id))).toBe(true);
    await api.call('DELETE', `/v1/apps/${app}/volumes/${volume.id}`);
    expect(existsSync(join(stateDir, 'volumes', volume.id))).toBe(false);
    await platform.stop();
    await api.close();
  });

  it('waits for the platform that has the directory and takes over with its machines gone', async () => {
    const first = await startAlone(stateDir);
    const api = new Api(first.baseUrl);
    const app = await newApp(api);
    const { id } = await newMachine(api, app, { image: 'stubborn' });
    await start(api, app, id, 'child');
    const child = Number(
      /child (\d+)/.exec(String((await api.call('GET', `/v1/apps/${app}/machines/${id}/logs`)).body))?.[1],
    );
    expect(isAlive(child)).toBe(true);

    const waiting = spawnPlatform(socketArgs(stateDir));
    let written = '';
    waiting.stdout?.on('data', (chunk: Buffer) => (written += chunk.toString()));
    const second = ready(waiting);
    await eventually('the second says that it waits', () => written.includes('platform.waits_for_another'));
    expect(written).not.toContain('platform.ready');
    await first.kill();
    const { baseUrl, stop } = await second;
    expect(isAlive(child)).toBe(false);
    const again = new Api(baseUrl);
    expect((await getMachine(again, app, id)).state).toBe('stopped');
    await Promise.all([stop(), api.close(), again.close()]);
  });

  it('opens no door while a process of an earlier run works in a machine’s directory, and kills it if need be', async () => {
    await (await startAlone(stateDir)).stop();
    const cwd = join(stateDir, 'machines', 'of-an-earlier-run', 'work');
    mkdirSync(cwd, { recursive: true });
    const left = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { cwd, stdio: 'ignore' });
    const ended = once(left, 'exit');
    const platform = await startAlone(stateDir);
    expect(isAlive(left.pid ?? 0)).toBe(false);
    expect(await ended).toEqual([null, 'SIGKILL']);
    await platform.stop();
  });

  it('gives an address to one machine for its whole life, and never to another', async () => {
    const addresses: string[] = [];
    for (let run = 0; run < 3; run += 1) {
      const platform = await startAlone(stateDir);
      const api = new Api(platform.baseUrl);
      const app = newAppName();
      await api.call('POST', '/v1/apps', { body: { app_name: app, org_slug: 'o' } });
      const kept = await newMachine(api, app);
      const updated = await api.call('POST', `/v1/apps/${app}/machines/${kept.id}`, { body: machineRequest() });
      expect((updated.body as MachineBody).private_ip).toBe(kept.private_ip);
      const gone = await newMachine(api, app);
      await api.call('DELETE', `/v1/apps/${app}?force=true`);
      addresses.push(kept.private_ip, gone.private_ip);
      await platform.kill();
      await api.close();
    }
    expect(new Set(addresses).size).toBe(6);
    for (const address of addresses) expect(address).toMatch(/^127\.(?!0\.0\.1$)\d+\.\d+\.\d+$/);
  });
});
