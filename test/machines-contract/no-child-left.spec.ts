import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Api } from './support/api';
import { builtMain, newStateDir, removeStateDir, socketArgs } from './support/embedded';
import { newApp, newMachine } from './support/fixtures';
import { eventually, isAlive, processesIn } from './support/processes';

const ROUNDS = 20;
const GONE_WITHIN_MS = 3000; // 50 ms on an idle machine

interface Family {
  parent: ChildProcess;
  platformPid: number;
  api: Api;
}

/** The control plane's place is taken by a parent of its own, so that it can be killed. */
async function startFamily(stateDir: string): Promise<Family> {
  const script = resolve(__dirname, 'support/parent.js');
  const parent = spawn(process.execPath, [script, builtMain(), ...socketArgs(stateDir)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let platformPid = 0;
  let output = '';
  for await (const line of createInterface({ input: parent.stdout })) {
    output += line;
    const entry = JSON.parse(line) as { pid: number; event?: string; url?: string };
    platformPid ||= entry.pid;
    if (entry.event === 'platform.ready' && entry.url) return { parent, platformPid, api: new Api(entry.url) };
  }
  throw new Error(`The platform ended: ${output}`);
}

/** One in a busy loop, one that ignores signals and has a child of its own. */
async function makeMachines(stateDir: string): Promise<string[]> {
  const { api, parent, platformPid } = await startFamily(stateDir);
  const app = await newApp(api);
  const busy = await newMachine(api, app, { image: 'busy' });
  const stubborn = await newMachine(api, app, { image: 'stubborn' });
  await api.close();
  parent.kill('SIGTERM');
  await eventually('the first platform ends', () => !isAlive(platformPid));
  return [`/v1/apps/${app}/machines/${busy.id}`, `/v1/apps/${app}/machines/${stubborn.id}`];
}

async function startBoth(api: Api, machines: string[], stateDir: string): Promise<void> {
  for (const path of machines) {
    const { status, body } = await api.call('POST', `${path}/start`);
    if (status !== 200) throw new Error(JSON.stringify(body));
  }
  // Two programs, two watchers, and what one of the programs started.
  await eventually('all of them run', () => processesIn(stateDir).length === 5);
}

describe('no process is left', () => {
  const families: Family[] = [];

  afterAll(() => {
    for (const { parent } of families) parent.kill('SIGKILL'); // of a round that failed
  });

  const kills: Record<string, (family: Family) => void> = {
    'the platform': ({ platformPid }) => process.kill(platformPid, 'SIGKILL'),
    'its parent': ({ parent }) => void parent.kill('SIGKILL'),
    'both at once': ({ parent, platformPid }) => {
      process.kill(platformPid, 'SIGKILL');
      parent.kill('SIGKILL');
    },
  };

  it('nor the folder of the socket, which its parent made and cannot remove any more', async () => {
    const stateDir = newStateDir();
    const family = await startFamily(stateDir);
    families.push(family);
    await family.api.close();
    expect(existsSync(join(stateDir, 'run', 'api.sock'))).toBe(true);
    family.parent.kill('SIGKILL');
    await eventually('the platform ends', () => !isAlive(family.platformPid), GONE_WITHIN_MS);
    expect(existsSync(join(stateDir, 'run'))).toBe(false);
    removeStateDir(stateDir);
  });

  it.concurrent.each(Object.entries(kills))(
    `when %s is killed with -9, ${ROUNDS} times`,
    async (_, kill) => {
      const stateDir = newStateDir();
      const machines = await makeMachines(stateDir);
      for (let round = 1; round <= ROUNDS; round += 1) {
        const family = await startFamily(stateDir);
        families.push(family);
        await startBoth(family.api, machines, stateDir);
        const parentGone = once(family.parent, 'exit');
        kill(family);
        await family.api.close();
        await eventually(`round ${round}: the machines end`, () => processesIn(stateDir).length === 0, GONE_WITHIN_MS);
        await eventually(`round ${round}: the platform ends`, () => !isAlive(family.platformPid), GONE_WITHIN_MS);
        await parentGone;
      }
      removeStateDir(stateDir);
    },
    120_000,
  );
});
