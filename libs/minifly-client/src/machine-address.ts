import type { MachinesClient } from './machines-client';
import type { MachineAddress, MachineRef } from './platform';
import { failure } from './platform-failures';

/** How the control plane comes to a machine. */
export interface MachineReach {
  /** Makes what the app's machines need to be reached; repeating it changes nothing. */
  prepare(appName: string, signal: AbortSignal): Promise<void>;
  addressOf(ref: MachineRef, signal: AbortSignal): Promise<MachineAddress>;
}

/** Each machine at an address of its own, which the platform shows: the embedded one. */
export class PrivateAddresses implements MachineReach {
  constructor(private readonly client: MachinesClient) {}

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  async addressOf(ref: MachineRef, signal: AbortSignal): Promise<MachineAddress> {
    const machine = await this.client.getMachine(ref.appName, ref.machineId, signal);
    const port = machine.private_port ?? machine.config?.services?.[0]?.internal_port;
    if (!machine.private_ip || port === undefined) {
      throw failure(`The machine ${ref.machineId} has no address.`, 200, 'unknown', { body: machine });
    }
    return { origin: `http://${machine.private_ip}:${port}`, headers: {} };
  }
}
