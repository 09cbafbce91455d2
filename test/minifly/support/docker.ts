import Docker from 'dockerode';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const ROOT = resolve(__dirname, '../../..');
const docker = new Docker();

export interface RunningContainer {
  id: string;
  machineId: string;
  isRunning: boolean;
}

/** Docker's own word on an app's containers, running or not. */
export async function containersOf(appName: string): Promise<RunningContainer[]> {
  const found = await docker.listContainers({ all: true, filters: { label: [`minifly.app_name=${appName}`] } });
  return found.map(({ Id: id, State: state, Labels: labels }) => ({
    id,
    machineId: labels['minifly.machine_id'] ?? '',
    isRunning: state === 'running',
  }));
}

/** Its process is killed, as by the kernel. */
export async function kill(appName: string): Promise<void> {
  for (const { id } of await containersOf(appName)) await docker.getContainer(id).kill();
}

/** Somebody at the host removes it by hand. */
export async function removeByHand(appName: string): Promise<void> {
  for (const { id } of await containersOf(appName)) await docker.getContainer(id).remove({ force: true });
}

/** Whatever mounts something below the directory: what tests left of one Minifly. */
export async function removeAllBelow(dataDir: string): Promise<void> {
  for (const { Id: id, Mounts: mounts } of await docker.listContainers({ all: true })) {
    if (mounts.some(({ Source: source }) => source.startsWith(`${dataDir}/`))) {
      await docker.getContainer(id).remove({ force: true });
    }
  }
}

/** The machines of the contract mount nothing; their apps are called `contract-…`. */
export async function removeAllOfContract(): Promise<void> {
  for (const { Id: id, Labels: labels } of await docker.listContainers({ all: true })) {
    if (/^contract-[0-9a-f]{10}$/.test(labels['minifly.app_name'] ?? '')) {
      await docker.getContainer(id).remove({ force: true });
    }
  }
}

/** A program of the machines contract as an image; gives the name that a machine is to run. */
export function contractImage(program: string): string {
  const name = `contract-${program}`;
  const images = resolve(ROOT, 'test/machines-contract/images');
  const dockerfile = readFileSync(resolve(ROOT, 'test/minifly/contract.Dockerfile'));
  execFileSync(
    'docker',
    ['build', '-q', '-t', `${name}-local:latest`, '--build-arg', `PROGRAM=${program}`, '-f', '-', images],
    {
      input: dockerfile,
      stdio: ['pipe', 'ignore', 'pipe'],
    },
  );
  return name;
}
