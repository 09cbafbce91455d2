import { isDeepStrictEqual } from 'node:util';
import type { FlyMachine, MachineConfig } from './machine-types';
import type { MachineSpec } from './platform';

/** The whole configuration of a tenant's machine, in Fly's words. */
export function toMachineConfig(spec: MachineSpec): MachineConfig {
  return {
    image: spec.image,
    env: spec.env,
    guest: { cpu_kind: 'shared', cpus: 1, memory_mb: spec.memoryMb },
    // The control plane alone starts and stops: a machine that came back by itself would run unseen.
    restart: { policy: 'no' },
    mounts: [{ volume: spec.volumeId, path: spec.mountPath }],
    services: [{ protocol: 'tcp', internal_port: spec.internalPort, autostart: false, autostop: 'off' }],
    stop_config: { signal: 'SIGTERM', timeout: '10s' },
    metadata: { tenant_id: spec.tenantId },
  };
}

/**
 * Whether what runs is another thing than what is wanted. Only what we set is compared: a platform adds fields of its own,
 * and reads some back in another form (`autostop`).
 */
export function differs(actual: MachineConfig | undefined, wanted: MachineConfig): boolean {
  return !isDeepStrictEqual(compared(actual), compared(wanted));
}

function compared(config: MachineConfig | undefined) {
  return {
    image: config?.image,
    env: { ...config?.env },
    memory: config?.guest?.memory_mb,
    mounts: (config?.mounts ?? []).map(({ volume, path }) => [volume, path]),
    port: config?.services?.[0]?.internal_port,
  };
}

export function volumeIdOf(machine: FlyMachine): string | null {
  return machine.config?.mounts?.[0]?.volume ?? null;
}
