import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ERROR_STATUSES } from '../../apps/control-plane/src/error-codes';
import { Client } from '../support/client';
import { ControlPlane, endAll, newDataDir } from '../support/control-plane';
import { until } from '../support/until';
import { all, readPage, ROOT, rowsOf, sectionsOf, type Section } from './support/markdown';
import { runBlocks } from './support/shell-session';

const page = readPage('docs/OPERATIONS.md');
const sections = sectionsOf(page);
const SQL = 'Operations, by hand';
const run = new Set<string>();

afterAll(endAll);

describe('the operations by hand', () => {
  it('name the files that are there', async () => {
    const { plane } = await withAda();
    const table = all(sectionNamed('Where the data is').content[0] as never, 'table')[0];
    const paths = rowsOf(table as never).flatMap(([cell]) =>
      all(cell as never, 'inlineCode').map(({ value }) => value),
    );
    expect(paths.length).toBeGreaterThan(6);
    const isOnLitefs = (path: string) => path.includes('/mounts/');
    const missing = paths.filter(
      (path) => !isOnLitefs(path) && globSync(path.replace(/<\w+>/g, '*'), { cwd: plane.dataDir }).length === 0,
    );
    expect(missing).toEqual([]);
  });

  it("back up and restore one tenant's file", async () => {
    const { plane, ada } = await withAda();
    await ada.add('kept');
    const folder = await shell(plane.dataDir, 'Back up');
    await ada.add('too late');
    await plane.end();
    await shell(plane.dataDir, "One tenant's file", folder);
    const after = await ControlPlane.start({}, plane.dataDir);
    expect(await ada.at(after).titles()).toEqual(['kept']);

    // The folder of the volume gone, and made again from the backup.
    const volume = onlyVolume(plane.dataDir);
    await after.end();
    rmSync(join(plane.dataDir, 'embedded/volumes', volume), { recursive: true });
    const without = await ControlPlane.start({}, plane.dataDir);
    expect((await ada.at(without).fetch('/api/v1/todos')).status).toBe(503);
    expect((await ada.at(without).tenant()).progress?.error).toMatchObject({ code: 'volume_missing' });
    mkdirSync(join(plane.dataDir, 'embedded/volumes', volume));
    cpSync(join(folder, `backup/${volume}.sqlite`), join(plane.dataDir, 'embedded/volumes', volume, 'todos.sqlite'));
    expect((await ada.at(without).fetch('/api/v1/tenant/retry', { method: 'POST' })).status).toBe(202);
    await ada.at(without).active();
    expect(await ada.at(without).titles()).toEqual(['kept']);
  });

  it("leave today's apps alone under a control plane of yesterday, whose sessions and accounts are there again", async () => {
    const { plane, ada } = await withAda();
    await ada.add('kept');
    const cleo = await Client.withApp(plane);
    const folder = await shell(plane.dataDir, 'Back up');
    const { cookie } = ada;
    await ada.post('/logout', {});
    const bob = await Client.withApp(plane);
    await bob.add("bob's");
    const cleosCookie = cleo.cookie;
    expect((await cleo.json('DELETE', '/api/v1/me', { password: cleo.password })).status).toBe(202);
    await until(() => readdirSync(join(plane.dataDir, 'embedded/volumes')).length === 2);
    await plane.end();
    for (const rest of ['-wal', '-shm']) rmSync(join(plane.dataDir, `control-plane.sqlite${rest}`), { force: true });
    cpSync(join(folder, 'backup/control-plane.sqlite'), join(plane.dataDir, 'control-plane.sqlite'));

    const after = await ControlPlane.start({ MACHINE_GONE_SECONDS: '1', WAKE_HOLD_SECONDS: '10' }, plane.dataDir);
    const login = await bob.at(after).json('POST', '/api/v1/login', { email: bob.email, password: bob.password });
    expect([login.status, await login.json()]).toEqual([401, expect.objectContaining({ code: 'wrong_credentials' })]);
    ada.cookie = cookie; // of the session that ended
    expect(await ada.at(after).titles()).toEqual(['kept']);
    cleo.cookie = cleosCookie;
    expect((await cleo.at(after).fetch('/api/v1/todos')).status).toBe(503);
    expect((await cleo.at(after).tenant()).progress?.error).toMatchObject({ code: 'volume_missing' });
    await shell(plane.dataDir, 'The control plane, from yesterday', folder);
    expect(readdirSync(join(plane.dataDir, 'embedded/volumes'))).toHaveLength(2); // Ada's and Bob's
  });

  it('find a tenant that failed, and try it again', async () => {
    const { plane, ada } = await withAda();
    await ada.add('kept');
    const volume = join(plane.dataDir, 'embedded/volumes', onlyVolume(plane.dataDir));
    await plane.end();
    renameSync(volume, `${plane.dataDir}/aside`);
    const without = await ControlPlane.start({}, plane.dataDir);
    expect((await ada.at(without).fetch('/api/v1/todos')).status).toBe(503);
    const folder = folderFor(plane.dataDir);
    expect(await said(folder, 'A tenant that is not well')).toMatch(/volume_missing[^]*signed_up/);
    await shell(plane.dataDir, 'Metrics, and what to be woken for', folder);
    renameSync(`${plane.dataDir}/aside`, volume);
    expect(await said(folder, 'Failed: try again')).toMatch(/todo-user-/);
    await without.end();
    const after = await ControlPlane.start({}, plane.dataDir);
    await ada.at(after).active();
    expect(await ada.at(after).titles()).toEqual(['kept']);
  });

  it('change the secret without anybody noticing, or with everybody signed out', async () => {
    const { plane, ada } = await withAda();
    await ada.add('kept');
    await plane.end();
    const old = readFileSync(join(plane.dataDir, 'session-secret'), 'utf8').trim();
    const both = await ControlPlane.start({ SESSION_SECRET: `a new one and long enough,${old}` }, plane.dataDir);
    expect(await ada.at(both).titles()).toEqual(['kept']);
    await both.end();
    const alone = await ControlPlane.start({ SESSION_SECRET: 'a new one and long enough' }, plane.dataDir);
    expect((await ada.at(alone).fetch('/api/v1/todos')).status).toBe(401);
    const again = ada.at(alone);
    await again.json('POST', '/api/v1/login', { email: ada.email, password: ada.password });
    expect(await again.titles()).toEqual(['kept']);
  });

  it('name metrics that are there', async () => {
    const { plane, ada } = await withAda();
    await ada.add('one');
    const { url } = (await (await ada.fetch('/api/v1/tenant/token', { method: 'POST' })).json()) as { url: string };
    const [ours, theirs] = await Promise.all(
      [`${plane.url}/metrics`, `${url}/metrics`].map(async (one) => (await fetch(one)).text()),
    );
    const text = `${ours}\n${theirs}`;
    const { content } = sectionNamed('Metrics, and what to be woken for');
    const codes = content.flatMap((node) =>
      [...all(node, 'inlineCode'), ...all(node, 'code')].map(({ value }) => value),
    );
    const named = [...codes.join('\n').matchAll(/\b(?:http|proxy|tenant|process|nodejs)_[a-z0-9_]*[a-z0-9]/g)]
      .map(([name]) => name)
      .filter((name) => !(name in ERROR_STATUSES)); // some begin alike
    expect(new Set(named).size).toBeGreaterThan(10);
    const isThere = (name: string) =>
      [name, name.replace(/_(bucket|count|sum)$/, '')].some((one) => text.includes(`# TYPE ${one} `));
    expect(named.filter((name) => !isThere(name))).toEqual([]);
  });

  it('have no command that was not run here', () => {
    const withCommands = sections.filter(({ content }) =>
      content.some((node) => node.type === 'code' && node.lang === 'sh'),
    );
    expect(withCommands.map(({ heading }) => heading).sort()).toEqual([...run].sort());
  });
});

/** Ada, whose address the page's examples have, with an app. */
async function withAda(): Promise<{ plane: ControlPlane; ada: Client }> {
  const plane = await ControlPlane.start({ IDLE_STOP_SECONDS: '0' }, newDataDir());
  const ada = new Client(plane, 'ada@example.org');
  expect((await ada.signUp()).status).toBe(201);
  await ada.active();
  return { plane, ada };
}

function sectionNamed(heading: string): Section {
  const section = sections.find((one) => one.heading === heading);
  if (!section) throw new Error(`docs/OPERATIONS.md has no heading "${heading}".`);
  return section;
}

function commandsUnder(heading: string): string[] {
  run.add(heading);
  const commands = sectionNamed(heading).content.flatMap((node) =>
    node.type === 'code' && node.lang === 'sh' ? [node.value] : [],
  );
  if (commands.length === 0) throw new Error(`Under "${heading}" are no commands.`);
  return commands;
}

/** Runs what stands under a heading, as from the project's folder; gives the folder, where `data` is `dataDir`. */
async function shell(dataDir: string, heading: string, folder = folderFor(dataDir)): Promise<string> {
  await said(folder, heading);
  return folder;
}

async function said(folder: string, heading: string): Promise<string> {
  const results = await runBlocks([...commandsUnder(SQL), ...commandsUnder(heading)], folder);
  return results.map(({ stdout }) => stdout).join('\n');
}

function folderFor(dataDir: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ops-'));
  symlinkSync(dataDir, join(folder, 'data'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

function onlyVolume(dataDir: string): string {
  const [volume, ...others] = readdirSync(join(dataDir, 'embedded/volumes'));
  if (!volume || others.length > 0) throw new Error('There should be one volume.');
  return volume;
}
