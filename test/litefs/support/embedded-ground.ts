import { FlyPlatform } from '@app/minifly-client/fly-platform';
import { MachinesClient } from '@app/minifly-client/machines-client';
import type { MachineRef } from '@app/minifly-client/platform';
import Database from 'better-sqlite3';
import { join, resolve } from 'node:path';
import {
  newStateDir,
  ready,
  removeStateDir,
  socketArgs,
  spawnPlatform,
  type EmbeddedPlatform,
} from '../../machines-contract/support/embedded';
import type { LitefsGround } from './ground';
import { machineProcesses } from './machine-processes';
import { litefsMounts } from './mounts';

const IMAGES = resolve(__dirname, '../../../dist/images');
const REPOSITORY_DOCKER = resolve(__dirname, '../../../docker');
const LITEFS_PORT = 20202;

/** A real embedded platform of its own, whose machines run on LiteFS. */
export class EmbeddedGround implements LitefsGround {
  readonly platform: FlyPlatform;

  private constructor(
    private readonly stateDir: string,
    private readonly embedded: EmbeddedPlatform,
    private readonly client: MachinesClient,
  ) {
    this.platform = new FlyPlatform({ client, orgSlug: 'personal' });
  }

  static async start(): Promise<EmbeddedGround> {
    const stateDir = newStateDir();
    const [, , , , ...socket] = socketArgs(stateDir);
    const args = ['--state-dir', stateDir, '--images', IMAGES, ...socket, '--litefs-files', REPOSITORY_DOCKER];
    const embedded = await ready(spawnPlatform(args, { EMBEDDED_LITEFS: '1' }));
    return new EmbeddedGround(stateDir, embedded, new MachinesClient({ baseUrl: embedded.baseUrl }));
  }

  programsOf({ appName, machineId }: MachineRef) {
    return Promise.resolve(machineProcesses(appName, machineId));
  }

  mounts(): string[] {
    return litefsMounts(this.stateDir);
  }

  writeBesideApp({ machineId }: MachineRef): Promise<string> {
    const mount = this.mounts().find((path) => path.endsWith(machineId)) ?? '';
    const database = new Database(join(mount, 'todos.sqlite'));
    try {
      database.exec("UPDATE todos SET title = 'x'");
      return Promise.resolve('written');
    } catch (error) {
      return Promise.resolve((error as { code: string }).code);
    } finally {
      database.close();
    }
  }

  litefsUrl(ref: MachineRef): Promise<string> {
    return this.platform.peerUrl(ref, LITEFS_PORT, AbortSignal.timeout(5000));
  }

  startByHand(ref: MachineRef): Promise<void> {
    return this.client.startMachine(ref.appName, ref.machineId, AbortSignal.timeout(5000));
  }

  output(): string {
    return this.embedded.output();
  }

  async end(): Promise<void> {
    await this.client.close();
    await this.embedded.stop();
    removeStateDir(this.stateDir);
  }
}
