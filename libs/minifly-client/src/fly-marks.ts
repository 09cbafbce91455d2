import type { FlyMachine, FlyVolume, MachineConfig } from './machine-types';
import type { AppSpec } from './platform';

/**
 * What says that something is ours: the tenant id, in an app's network name, `tenant-<id>`, which Fly never lets change, and in
 * `config.metadata.tenant_id` of a machine. A volume has no mark of its own; it is ours through its app.
 */
export const networkOf = (app: AppSpec) => `tenant-${app.tenantId}`;

export const bearsTenant = (tenantId: string) => (machine: FlyMachine) =>
  shownConfig(machine)?.metadata?.['tenant_id'] === tenantId;

export const isAlive = (machine: FlyMachine) => machine.state !== 'destroyed' && machine.state !== 'destroying';

/** States of a volume that is being deleted; Fly shows it for another day. */
const GOING_VOLUME = new Set([
  'pending_destroy',
  'scheduling_destroy',
  'fork_cleanup',
  'waiting_for_detach',
  'destroying',
  'destroyed',
]);

export const isKept = (volume: FlyVolume) => !GOING_VOLUME.has(volume.state);

/** The configuration, or what Fly still knows of it while the machine's host does not answer. */
export function shownConfig(machine: FlyMachine): MachineConfig | undefined {
  return machine.config ?? machine.incomplete_config;
}

export function volumeIdOf(machine: FlyMachine): string | null {
  return shownConfig(machine)?.mounts?.[0]?.volume ?? null;
}
