import { DockerContainers } from '@app/minifly-client/docker-containers';
import { MachinesClient } from '@app/minifly-client/machines-client';
import type { MiniflyLedger } from '@app/minifly-client/minifly-ledger';
import { MiniflyPlatform } from '@app/minifly-client/minifly-platform';
import type { MachineRef } from '@app/minifly-client/platform';
import { defaultRetry } from '@app/minifly-client/retry';
import type { LitefsGround, LitefsPlace } from '../../litefs/support/ground';
import { programsAmong, type MachinePrograms } from '../../litefs/support/machine-processes';
import { mountsInContainers } from '../../litefs/support/mounts';
import { containerOfMachine, logsOf, networksOf, pidsIn, runIn, startContainer } from './docker';
import { MemoryLedger } from './memory-ledger';
import type { RealMinifly } from './real-minifly';

const LITEFS_PORT = 20202;

/** Minifly's containers on LiteFS. `ledger`: of the control plane whose machines are meant, which knows the container of each. */
export class ContainerPlace implements LitefsPlace {
  constructor(private readonly ledger: MiniflyLedger) {}

  async programsOf(ref: MachineRef): Promise<MachinePrograms> {
    return programsAmong(await pidsIn(await this.containerOf(ref)));
  }

  mounts(): string[] {
    return mountsInContainers();
  }

  async containerOf({ appName, machineId }: MachineRef): Promise<string> {
    const page = await this.ledger.read(appName);
    const made = page?.machines.find(({ name }) => name === machineId)?.madeAs;
    if (!made) throw new Error(`${machineId} has no container.`);
    return containerOfMachine(made);
  }
}

/** One tenant's machines as containers of a real Minifly behind the filter: `RealMinifly.start('--litefs')`, which is ended by others. */
export class ContainerGround extends ContainerPlace implements LitefsGround {
  readonly platform: MiniflyPlatform;
  private readonly client: MachinesClient;

  constructor(minifly: RealMinifly) {
    const ledger = new MemoryLedger();
    super(ledger);
    this.client = new MachinesClient({ baseUrl: minifly.url, retry: { ...defaultRetry, attempts: 1 } });
    this.platform = new MiniflyPlatform({ client: this.client, containers: new DockerContainers(), ledger });
  }

  async writeBesideApp(ref: MachineRef): Promise<string> {
    const program = `
      const database = new (require('/app/node_modules/better-sqlite3'))('/litefs/todos.sqlite');
      try { database.exec("UPDATE todos SET title = 'x'"); console.log('written'); }
      catch (error) { console.log(error.code); }`;
    return runIn(await this.containerOf(ref), 'node', '-e', program).said.trim();
  }

  async litefsUrl(ref: MachineRef): Promise<string> {
    const [address] = Object.values(await networksOf(await this.containerOf(ref)));
    return `http://${address}:${LITEFS_PORT}`;
  }

  async startByHand(ref: MachineRef): Promise<void> {
    await startContainer(await this.containerOf(ref));
  }

  output(): string {
    return logsOf('todo-user-');
  }

  end(): Promise<void> {
    return this.client.close();
  }
}
