import type { MachineReach } from './machine-address';
import type { MachinesClient } from './machines-client';
import type { MachineAddress, MachineRef } from './platform';

export interface FlycastOptions {
  client: MachinesClient;
  /** Network of who asks, where that is not the organisation's default one. */
  network?: string;
  /** Apps get public addresses too: `https://<app>.fly.dev`. */
  isPublic?: boolean;
}

/** What every private address of Fly begins with. */
const PRIVATE_V6 = /^fdaa:/i;

/**
 * Fly's private proxy: `http://<app>.flycast`, at an address of the app in the network of who asks. Tenants are on networks of their
 * own, whose `.internal` names and addresses do not reach across. The header names the machine, because the proxy chooses among
 * an app's machines. Fly's two pages differ in which network `network` names; without it, it is the organisation's default one,
 * which is where a control plane that was deployed without a network of its own is.
 */
export class Flycast implements MachineReach {
  readonly #client: MachinesClient;
  readonly #network: string | undefined;
  readonly #isPublic: boolean;
  /** Apps that had their address when this process looked; an app never loses it before it is deleted. */
  readonly #prepared = new Set<string>();

  constructor({ client, network, isPublic = false }: FlycastOptions) {
    this.#client = client;
    this.#network = network;
    this.#isPublic = isPublic;
  }

  async prepare(appName: string, signal: AbortSignal): Promise<void> {
    if (this.#prepared.has(appName)) return;
    const ips = (await this.#client.listIps(appName, signal)).map(({ ip = '' }) => ip);
    const publicIps = ips.filter((ip) => !PRIVATE_V6.test(ip));
    if (publicIps.length === ips.length) {
      const network = this.#network ? { network: this.#network } : {};
      await this.#client.assignIp(appName, { type: 'private_v6', ...network }, signal);
    }
    if (this.#isPublic) {
      // Both: with the shared one alone the name takes minutes to get about.
      const hasV6 = publicIps.some((ip) => ip.includes(':'));
      const hasV4 = publicIps.some((ip) => ip.includes('.'));
      if (!hasV6) await this.#client.assignIp(appName, { type: 'v6' }, signal);
      if (!hasV4) await this.#client.assignIp(appName, { type: 'shared_v4' }, signal);
    }
    this.#prepared.add(appName);
  }

  /** Also for an app whose provisioning was cut short before it got its address. */
  async addressOf({ appName, machineId }: MachineRef, signal: AbortSignal): Promise<MachineAddress> {
    await this.prepare(appName, signal);
    return {
      origin: `http://${appName}.flycast`,
      headers: { 'fly-force-instance-id': machineId },
      ...(this.#isPublic ? { publicOrigin: `https://${appName}.fly.dev` } : {}),
    };
  }
}
