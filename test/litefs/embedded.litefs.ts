import Database from 'better-sqlite3';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '../support/client';
import { ControlPlane, endAll, newDataDir } from '../support/control-plane';
import { platformPid } from '../support/processes';
import { until } from '../support/until';
import { litefsMounts } from './support/mounts';

afterAll(endAll);

const LITEFS = { EMBEDDED_LITEFS: '1' };
const volumes = (dataDir: string) => {
  const folder = join(dataDir, 'embedded', 'volumes');
  return readdirSync(folder).map((name) => join(folder, name));
};

describe('a tenant on LiteFS on the embedded platform', () => {
  it('keeps its to-dos in the mount over sleep and wake, and leaves no mount while it sleeps', async () => {
    const plane = await ControlPlane.start({ ...LITEFS, IDLE_STOP_SECONDS: '1' });
    const ada = await Client.withApp(plane);
    await ada.add('kept over sleep');
    const [mount = ''] = litefsMounts(plane.dataDir);
    const database = new Database(join(mount, 'todos.sqlite'), { readonly: true });
    expect(database.prepare('SELECT title FROM todos').pluck().all()).toEqual(['kept over sleep']);
    expect(database.pragma('journal_mode', { simple: true })).toBe('delete');
    database.close();
    const [volume = ''] = volumes(plane.dataDir);
    expect(readFileSync(join(volume, 'volume.kind'), 'utf8')).toBe('litefs\n');
    expect(existsSync(join(volume, 'todos.sqlite'))).toBe(false);

    await ada.asleep();
    expect(litefsMounts(plane.dataDir)).toEqual([]);
    expect(await ada.titles()).toEqual(['kept over sleep']);
    expect(litefsMounts(plane.dataDir)).toEqual([mount]);
  });

  it('ends with the control plane on SIGTERM, without a mount or a process left', async () => {
    const plane = await ControlPlane.start(LITEFS);
    const ada = await Client.withApp(plane);
    await ada.add('one');
    expect(litefsMounts(plane.dataDir)).toHaveLength(1);
    expect(await plane.end('SIGTERM')).toBe(0);
    expect(plane.descendants()).toEqual([]);
    expect(litefsMounts(plane.dataDir)).toEqual([]);
  });

  it('comes back after kill -9 of everything, whose stale mount the next platform takes away', async () => {
    const dataDir = newDataDir();
    const first = await ControlPlane.start(LITEFS, dataDir);
    const ada = await Client.withApp(first);
    await ada.add('acknowledged');
    const platform = platformPid(dataDir) ?? 0;
    process.kill(first.pid, 'SIGSTOP'); // so that it starts no other platform
    process.kill(platform, 'SIGKILL');
    await first.end('SIGKILL');
    await until(() => first.descendants().length === 0, { what: 'the machines to end' });
    const [stale = ''] = litefsMounts(dataDir);
    expect(() => readdirSync(stale)).toThrow('ENOTCONN');

    const second = await ControlPlane.start(LITEFS, dataDir);
    expect(litefsMounts(dataDir)).toEqual([]);
    const again = ada.at(second);
    expect(await again.titles()).toEqual(['acknowledged']);
    expect(await second.end('SIGTERM')).toBe(0);
    expect(litefsMounts(dataDir)).toEqual([]);
  });

  it('is not started on a plain directory by a control plane without LiteFS, and nothing is changed', async () => {
    const dataDir = newDataDir();
    const first = await ControlPlane.start(LITEFS, dataDir);
    const ada = await Client.withApp(first);
    await ada.add('on LiteFS');
    await first.end();
    const [volume = ''] = volumes(dataDir);
    const before = readdirSync(volume).sort();

    const without = await ControlPlane.start({}, dataDir);
    const refused = await ada.at(without).fetch('/api/v1/todos');
    expect(refused.status).toBe(503);
    expect(readdirSync(volume).sort()).toEqual(before);
    await without.end();

    const second = await ControlPlane.start(LITEFS, dataDir);
    expect(await ada.at(second).titles()).toEqual(['on LiteFS']);
  });

  it('stands beside one whose volume is plain, which stays plain', async () => {
    const dataDir = newDataDir();
    const first = await ControlPlane.start({}, dataDir);
    const ada = await Client.withApp(first);
    await ada.add('on a plain directory');
    await first.end();
    const second = await ControlPlane.start(LITEFS, dataDir);
    const again = ada.at(second);
    expect(await again.titles()).toEqual(['on a plain directory']);
    const bob = await Client.withApp(second);
    await bob.add('on LiteFS');
    expect(litefsMounts(dataDir)).toHaveLength(1);
    const kinds = volumes(dataDir).map((volume) => readFileSync(join(volume, 'volume.kind'), 'utf8').trim());
    expect(kinds.sort()).toEqual(['litefs', 'plain']);
  });
});

describe('a control plane that is to use LiteFS', () => {
  it('exits with what is missing', async () => {
    const plane = ControlPlane.spawn({ ...LITEFS, PATH: '/nowhere' });
    await until(() => plane.child.exitCode !== null, { what: 'its end' });
    expect(plane.child.exitCode).toBe(1);
    expect(plane.output).toContain(
      'EMBEDDED_LITEFS is set, and LiteFS cannot run here: there is no litefs on the PATH (docker/litefs/install.sh builds it); there is no fusermount3 on the PATH',
    );
    expect(plane.output).not.toContain('To-do is at');
  });
});
