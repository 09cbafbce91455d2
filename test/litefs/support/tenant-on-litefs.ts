import 'reflect-metadata';
import { FlyPlatform } from '@app/minifly-client/fly-platform';
import { MachinesClient } from '@app/minifly-client/machines-client';
import type { MachineRef } from '@app/minifly-client/platform';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { ControlPlaneConfig } from '../../../apps/control-plane/src/config';
import { MachineSpecs } from '../../../apps/control-plane/src/machines/machine-spec';
import { TenantTokenSigner } from '../../../apps/control-plane/src/machines/token-signer';
import {
  newStateDir,
  ready,
  removeStateDir,
  socketArgs,
  spawnPlatform,
  type EmbeddedPlatform,
} from '../../machines-contract/support/embedded';
import { until } from '../../support/until';

const IMAGES = resolve(__dirname, '../../../dist/images');
const REPOSITORY_DOCKER = resolve(__dirname, '../../../docker');

export interface Machine {
  ref: MachineRef;
  region: string;
  origin: string;
}

interface Wish {
  region: string;
  role: 'primary' | 'replica';
  epoch: number;
  /** Whose LiteFS a replica follows. */
  follows?: Machine;
}

/** One tenant's machines on LiteFS, made with the control plane's own verbs on a real embedded platform, without its decisions. */
export class TenantOnLitefs {
  readonly tenantId = randomUUID();
  readonly appName = `todo-user-${this.tenantId.slice(0, 8)}`;
  private readonly signer = new TenantTokenSigner(['a secret of the control plane'], { now: () => Date.now() });
  private readonly specs = new MachineSpecs(new ControlPlaneConfig(), this.signer);
  private readonly volumes = new Map<string, string>();
  private readonly signal = AbortSignal.timeout(300_000);
  private databaseId = '';

  private constructor(
    readonly stateDir: string,
    private readonly embedded: EmbeddedPlatform,
    private readonly client: MachinesClient,
    readonly platform: FlyPlatform,
  ) {}

  static async start(): Promise<TenantOnLitefs> {
    const stateDir = newStateDir();
    const [, , , , ...socket] = socketArgs(stateDir);
    const args = ['--state-dir', stateDir, '--images', IMAGES, ...socket, '--litefs-files', REPOSITORY_DOCKER];
    const embedded = await ready(spawnPlatform(args, { EMBEDDED_LITEFS: '1' }));
    const client = new MachinesClient({ baseUrl: embedded.baseUrl });
    const tenant = new TenantOnLitefs(stateDir, embedded, client, new FlyPlatform({ client, orgSlug: 'personal' }));
    await tenant.platform.ensureApp(tenant, tenant.signal);
    return tenant;
  }

  /** Makes the region's machine or configures it anew, and leaves it stopped. */
  async configure(wish: Wish): Promise<Machine> {
    const { region, role, epoch, follows } = wish;
    const knownVolumeId = this.volumes.get(region) ?? null;
    const volume = { appName: this.appName, tenantId: this.tenantId, region, sizeGb: 1, memoryMb: 256, knownVolumeId };
    const { volumeId } = await this.platform.ensureVolume(volume, this.signal);
    this.volumes.set(region, volumeId);
    const app = { userId: this.tenantId, appName: this.appName, region, role, epoch, volumeKind: 'litefs' as const };
    const spec = this.specs.specOf(app, volumeId);
    if (follows) {
      spec.env['LITEFS_HOSTNAME'] = `${this.appName}-${follows.region}`;
      spec.env['LITEFS_ADVERTISE_URL'] = litefsUrl(follows);
    }
    const { machineId } = await this.platform.ensureMachine(spec, this.signal);
    const ref = { appName: this.appName, machineId };
    const { origin } = await this.platform.address(ref, this.signal);
    return { ref, region, origin };
  }

  /** Starts it and waits until it says that it is ready. */
  async wake(machine: Machine): Promise<void> {
    await this.platform.start(machine.ref, this.signal);
    await until(() => this.isReady(machine), {
      what: () => `${machine.region} to be ready:\n${this.embedded.output()}`,
    });
  }

  async stop(machine: Machine): Promise<void> {
    await this.platform.stop(machine.ref, this.signal);
  }

  async stateOf({ ref }: Machine): Promise<string> {
    return (await this.client.getMachine(ref.appName, ref.machineId, this.signal)).state;
  }

  async isReady({ origin }: Machine): Promise<boolean> {
    const response = await fetch(`${origin}/readyz`).catch(() => null);
    if (response?.status !== 200) return false;
    this.databaseId = ((await response.json()) as { databaseId: string }).databaseId;
    return true;
  }

  /** A request as the control plane sends it, with a token of the epoch. */
  async send(machine: Machine, epoch: number, path: string, init: RequestInit = {}): Promise<Response> {
    const { tenantId, appName, databaseId } = this;
    const token = await this.signer.signForRoute({ tenantId, appName, databaseId, epoch });
    const headers = {
      'content-type': 'application/json',
      ...(init.headers as object),
      authorization: `Bearer ${token}`,
    };
    return fetch(machine.origin + path, { ...init, headers });
  }

  add(machine: Machine, epoch: number, title: string): Promise<Response> {
    return this.send(machine, epoch, '/todos', { method: 'POST', body: JSON.stringify({ title }) });
  }

  async titles(machine: Machine, epoch: number): Promise<string[]> {
    const response = await this.send(machine, epoch, '/todos?limit=200');
    if (response.status !== 200) throw new Error(`${machine.region}: ${response.status} ${await response.text()}`);
    return ((await response.json()) as { items: { title: string }[] }).items.map(({ title }) => title);
  }

  async end(): Promise<void> {
    await this.client.close();
    await this.embedded.stop();
    removeStateDir(this.stateDir);
  }
}

/** Where the machine's LiteFS listens for its replicas. */
export const litefsUrl = ({ origin }: Machine) => `http://${new URL(origin).hostname}:20202`;
