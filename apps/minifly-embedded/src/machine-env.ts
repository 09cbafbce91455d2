import type { Image } from './images';
import type { MachineRecord } from './records';

export const DEFAULT_MEMORY_MB = 256; // Fly's shared-cpu-1x

export const memoryMbOf = (machine: MachineRecord) => machine.config.guest?.memory_mb ?? DEFAULT_MEMORY_MB;

export const portOf = (machine: MachineRecord, image: Image) =>
  machine.privatePort ?? machine.config.services?.[0]?.internal_port ?? image.port;

/**
 * All that a machine's process finds in its environment; nothing is inherited (one inherited NODE_EXTRA_CA_CERTS alone costs
 * 50 ms a start). A value that is the mount's path, or lies under it, becomes the volume's real directory: there is no mount
 * here that could be at that path.
 */
export function machineEnv(machine: MachineRecord, image: Image, volumeDir: string | null): Record<string, string> {
  const { config, privateIp, region } = machine;
  const mountPath = config.mounts?.[0]?.path;
  const own = Object.entries(config.env ?? {}).map(([name, value]) => [name, relocated(value, mountPath, volumeDir)]);
  return {
    ...(Object.fromEntries(own) as Record<string, string>),
    FLY_APP_NAME: machine.appName,
    FLY_MACHINE_ID: machine.id,
    FLY_ALLOC_ID: machine.id,
    FLY_REGION: region,
    PRIMARY_REGION: region,
    FLY_PRIVATE_IP: privateIp,
    FLY_IMAGE_REF: config.image,
    FLY_MACHINE_VERSION: machine.version,
    FLY_VM_MEMORY_MB: String(memoryMbOf(machine)),
    HOST: privateIp,
    PORT: String(portOf(machine, image)),
  };
}

function relocated(value: string, mountPath: string | undefined, volumeDir: string | null): string {
  if (!mountPath || !volumeDir) return value;
  if (value === mountPath) return volumeDir;
  return value.startsWith(`${mountPath}/`) ? volumeDir + value.slice(mountPath.length) : value;
}
