import 'reflect-metadata';
import type { MachineRef } from '@app/minifly-client/platform';
import { randomUUID } from 'node:crypto';
import { ControlPlaneConfig } from '../../../apps/control-plane/src/config';
import { MachineSpecs } from '../../../apps/control-plane/src/machines/machine-spec';
import { LITEFS_PORT, machineNameOf } from '../../../apps/control-plane/src/machines/tenant-env';
import { TenantTokenSigner } from '../../../apps/control-plane/src/machines/token-signer';
import { until } from '../../support/until';
import type { LitefsGround } from './ground';

export interface Machine {
  ref: MachineRef;
  region: string;
}

interface Wish {
  region: string;
  role: 'primary' | 'replica';
  epoch: number;
  /** Whose LiteFS a replica follows; it was started before. */
  follows?: Machine;
}

/** One tenant's machines on LiteFS, made with the control plane's own verbs on a real platform, without its decisions. */
export class TenantOnLitefs {
  readonly tenantId = randomUUID();
  readonly appName = `todo-user-${this.tenantId.slice(0, 8)}`;
  private readonly signer = new TenantTokenSigner(['a secret of the control plane'], { now: () => Date.now() });
  private readonly specs = new MachineSpecs(new ControlPlaneConfig(), this.signer);
  private readonly volumes = new Map<string, string>();
  /** By region; as it was at the machine's last start, which may change it. */
  private readonly origins = new Map<string, string>();
  private readonly signal = AbortSignal.timeout(300_000);
  private databaseId = '';

  private constructor(readonly ground: LitefsGround) {}

  static async on(ground: LitefsGround): Promise<TenantOnLitefs> {
    const tenant = new TenantOnLitefs(ground);
    await ground.platform.ensureApp(tenant, tenant.signal);
    return tenant;
  }

  /** Makes the region's machine or configures it anew, and leaves it stopped. */
  async configure(wish: Wish): Promise<Machine> {
    const { region, role, epoch, follows } = wish;
    const { appName, tenantId } = this;
    const knownVolumeId = this.volumes.get(region) ?? null;
    const volume = { appName, tenantId, region, sizeGb: 1, memoryMb: 256, knownVolumeId };
    const { volumeId } = await this.ground.platform.ensureVolume(volume, this.signal);
    this.volumes.set(region, volumeId);
    const app = { userId: tenantId, appName, region, role, epoch, volumeKind: 'litefs' as const };
    const spec = this.specs.specOf(app, volumeId, follows && (await this.primaryFor(follows)));
    const { machineId } = await this.ground.platform.ensureMachine(spec, this.signal);
    return { ref: { appName, machineId }, region };
  }

  /** Starts it and waits until it says that it is ready. */
  async wake(machine: Machine): Promise<void> {
    await this.ground.platform.start(machine.ref, this.signal);
    await this.untilReady(machine);
  }

  async untilReady(machine: Machine): Promise<void> {
    await until(() => this.isReady(machine), {
      what: () => `${machine.region} to be ready:\n${this.ground.output()}`,
    });
  }

  async stop(machine: Machine): Promise<void> {
    await this.ground.platform.stop(machine.ref, this.signal);
  }

  async stateOf({ ref }: Machine): Promise<string | undefined> {
    const { machines } = await this.ground.platform.look(this, this.signal);
    return machines.find(({ id }) => id === ref.machineId)?.state;
  }

  async isReady({ ref, region }: Machine): Promise<boolean> {
    const address = await this.ground.platform.address(ref, this.signal).catch(() => null);
    const response = address && (await fetch(`${address.origin}/readyz`).catch(() => null));
    if (response?.status !== 200) return false;
    this.origins.set(region, address?.origin ?? '');
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
    return fetch(`${this.origins.get(machine.region)}${path}`, { ...init, headers });
  }

  add(machine: Machine, epoch: number, title: string): Promise<Response> {
    return this.send(machine, epoch, '/todos', { method: 'POST', body: JSON.stringify({ title }) });
  }

  /** Of all to-dos, page by page. */
  async titles(machine: Machine, epoch: number): Promise<string[]> {
    const titles: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = `/todos?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
      const response = await this.send(machine, epoch, page);
      if (response.status !== 200) throw new Error(`${machine.region}: ${response.status} ${await response.text()}`);
      const list = (await response.json()) as { items: { title: string }[]; nextCursor: string | null };
      titles.push(...list.items.map(({ title }) => title));
      cursor = list.nextCursor;
    }
    return titles;
  }

  end(): Promise<void> {
    return this.ground.end();
  }

  private async primaryFor({ ref, region }: Machine): Promise<{ name: string; url: string }> {
    const url = await this.ground.platform.peerUrl?.(ref, LITEFS_PORT, this.signal);
    return { name: machineNameOf({ appName: this.appName, region }), url: url ?? '' };
  }
}
