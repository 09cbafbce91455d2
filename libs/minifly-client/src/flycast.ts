import type { MachineReach } from './machine-address';
import type { MachinesClient } from './machines-client';
import type { MachineAddress, MachineRef } from './platform';

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
  /** Apps that had their address when this process looked; an app never loses it before it is deleted. */
  readonly #prepared = new Set<string>();

  constructor(client: MachinesClient, network?: string) {
    this.#client = client;
    this.#network = network;
  }

  async prepare(appName: string, signal: AbortSignal): Promise<void> {
    if (this.#prepared.has(appName)) return;
    const ips = await this.#client.listIps(appName, signal);
    if (!ips.some(({ ip }) => ip !== undefined && PRIVATE_V6.test(ip))) {
      await this.#client.assignIp(
        appName,
        { type: 'private_v6', ...(this.#network ? { network: this.#network } : {}) },
        signal,
      );
    }
    this.#prepared.add(appName);
  }

  /** Also for an app whose provisioning was cut short before it got its address. */
  async addressOf({ appName, machineId }: MachineRef, signal: AbortSignal): Promise<MachineAddress> {
    await this.prepare(appName, signal);
    return { origin: `http://${appName}.flycast`, headers: { 'fly-force-instance-id': machineId } };
  }
}
