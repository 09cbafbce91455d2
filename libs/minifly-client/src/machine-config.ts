import { isDeepStrictEqual } from 'node:util';
import type { MachineConfig, MachineGuest } from './machine-types';
import type { MachineSpec } from './platform';

/** The whole configuration of a tenant's machine, in Fly's words. */
export function toMachineConfig(spec: MachineSpec): MachineConfig {
  return {
    image: spec.image,
    env: spec.env,
    guest: guestOf(spec.memoryMb),
    // The control plane alone starts and stops: a machine that came back by itself would run unseen.
    restart: { policy: 'no' },
    mounts: [{ volume: spec.volumeId, path: spec.mountPath }],
    services: [
      {
        protocol: 'tcp',
        internal_port: spec.internalPort,
        // The second one is reached only where the app has a public address.
        ports: [
          { port: 80, handlers: ['http'] },
          { port: 443, handlers: ['tls', 'http'] },
        ],
        autostart: false,
        autostop: 'off',
        // The control plane keeps to fewer connections itself; the proxy's own limits are for apps that it shares out.
        concurrency: { type: 'connections', soft_limit: 500, hard_limit: 1000 },
      },
    ],
    // Only shown to an operator: it neither routes nor restarts. Ready is what the control plane finds out itself.
    checks: {
      ready: {
        type: 'http',
        port: spec.internalPort,
        method: 'GET',
        path: '/readyz',
        interval: '30s',
        timeout: '5s',
        grace_period: '10s',
        kind: 'informational',
      },
    },
    stop_config: { signal: 'SIGTERM', timeout: '10s' },
    metadata: { tenant_id: spec.tenantId },
  };
}

const MB_PER_SHARED_CPU = 2048;

/** The smallest of Fly's shared machines that may have so much memory: 2048 MB a CPU, and 1, 2, 4 or 8 of them. */
export function guestOf(memoryMb: number): MachineGuest {
  const cpus = [1, 2, 4].find((count) => memoryMb <= count * MB_PER_SHARED_CPU) ?? 8;
  return { cpu_kind: 'shared', cpus, memory_mb: memoryMb };
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
