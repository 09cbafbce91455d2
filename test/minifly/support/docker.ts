import Docker from 'dockerode';
import { execFileSync, spawnSync } from 'node:child_process';
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

/** The id of the app's one container that runs. */
export async function runningContainer(appName: string): Promise<string> {
  const [only, ...more] = (await containersOf(appName)).filter(({ isRunning }) => isRunning);
  if (only && more.length === 0) return only.id;
  throw new Error(`${appName} has ${only ? 1 + more.length : 0} containers that run.`);
}

/** The id of the container that has this machine of Minifly's. */
export async function containerOfMachine(machineId: string): Promise<string> {
  const [found] = await docker.listContainers({ all: true, filters: { label: [`minifly.machine_id=${machineId}`] } });
  if (!found) throw new Error(`No container of the machine ${machineId}.`);
  return found.Id;
}

/** Somebody at the host starts it, past Minifly and the control plane. */
export async function startContainer(containerId: string): Promise<void> {
  await docker.getContainer(containerId).start();
}

/** `docker stop`: SIGTERM, and ten seconds. Gives the exit code. */
export async function stopContainer(containerId: string): Promise<number> {
  await docker.getContainer(containerId).stop({ t: 10 });
  return (await docker.getContainer(containerId).inspect()).State.ExitCode;
}

/** Of its processes, as this computer counts them. */
export async function pidsIn(containerId: string): Promise<number[]> {
  const { Titles: titles, Processes: processes } = (await docker.getContainer(containerId).top()) as {
    Titles: string[];
    Processes: string[][];
  };
  return processes.map((columns) => Number(columns[titles.indexOf('PID')]));
}

/** The last lines of the logs of Minifly's containers, running or not, of the apps whose names begin so. */
export function logsOf(appPrefix: string): string {
  const list = ['ps', '-a', '--filter', `name=minifly-${appPrefix}`, '--format', '{{.Names}}'];
  const names = spawnSync('docker', list, { encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
  return names.map((name) => `${name}:\n${logOf(name, '20')}`).join('\n');
}

/** What a container's program has written, since its making; `lines`: only so many of the last. */
export function logOf(container: string, lines = 'all'): string {
  const { stdout, stderr } = spawnSync('docker', ['logs', '--tail', lines, container], { encoding: 'utf8' });
  return stdout + stderr;
}

/** When its process was last started. */
export async function startedAt(containerId: string): Promise<string> {
  return (await docker.getContainer(containerId).inspect()).State.StartedAt;
}

/** Docker's own word on whether the process of a machine runs, and how it ended. */
export async function processOf(machineId: string): Promise<{ isRunning: boolean; exitCode: number }> {
  const { State: state } = await docker.getContainer(await containerOfMachine(machineId)).inspect();
  return { isRunning: state.Running, exitCode: state.ExitCode };
}

/** Its process is killed, as by the kernel. */
export async function kill(appName: string): Promise<void> {
  for (const { id } of await containersOf(appName)) await docker.getContainer(id).kill();
}

/** What a command in the app's container says, on stdout and stderr, with its exit code. */
export function runIn(containerId: string, ...command: string[]): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('docker', ['exec', containerId, ...command], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { code: status, said: stdout + stderr };
}

/** The networks that a container is in, with its address in each. */
export async function networksOf(containerId: string): Promise<Record<string, string>> {
  const { NetworkSettings: settings } = await docker.getContainer(containerId).inspect();
  return Object.fromEntries(Object.entries(settings.Networks).map(([name, { IPAddress: ip }]) => [name, ip]));
}

/** The host as a container in Docker's own bridge sees it. */
export async function bridgeGateway(): Promise<string> {
  const { IPAM: ipam }: Docker.NetworkInspectInfo = await docker.getNetwork('bridge').inspect();
  return ipam?.Config?.[0]?.Gateway ?? '';
}

export async function hasNetwork(name: string): Promise<boolean> {
  return (await docker.listNetworks({ filters: { name: [name] } })).some((network) => network.Name === name);
}

/** Another container of the same image in the network; gives its exit code and what it said. */
export function runBeside(network: string, ...command: string[]): { code: number | null; said: string } {
  const [program = '', ...rest] = command;
  const args = ['run', '--rm', '--network', network, '--entrypoint', program, 'tenant-todo-local:latest', ...rest];
  const { status, stdout, stderr } = spawnSync('docker', args, { encoding: 'utf8', timeout: 30_000 });
  return { code: status, said: stdout + stderr };
}

/** Somebody at the host removes it by hand. */
export async function removeByHand(appName: string): Promise<void> {
  for (const { id } of await containersOf(appName)) await docker.getContainer(id).remove({ force: true });
}

/** Whatever mounts something below the directory, with its apps' networks: what tests left of one Minifly. */
export async function removeAllBelow(dataDir: string): Promise<void> {
  const apps = new Set<string>();
  for (const { Id: id, Mounts: mounts, Labels: labels } of await docker.listContainers({ all: true })) {
    if (mounts.some(({ Source: source }) => source.startsWith(`${dataDir}/`))) {
      await docker.getContainer(id).remove({ force: true });
      apps.add(labels['minifly.app_name'] ?? '');
    }
  }
  for (const app of apps) {
    // The filter, where it runs, removes them by itself.
    const isGone = (error: { statusCode?: number }) => error.statusCode === 404;
    const removed = (await hasNetwork(app)) ? docker.getNetwork(app).remove() : Promise.resolve();
    await removed.catch((error: unknown) => {
      if (!isGone(error as object)) throw error;
    });
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
