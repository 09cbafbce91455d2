import type { MachineConfig } from './machine-types';
import type { MachineSpec } from './platform';

/**
 * A tenant's machine in the words that Minifly takes. It wants `guest`, and of each service `ports` with `handlers`; it refuses Fly's
 * `autostart`, `autostop` and durations in checks (422, text/plain), and drops metadata: our mark is the environment's `TENANT_ID`.
 */
export function toMiniflyConfig(spec: MachineSpec): MachineConfig {
  return {
    image: toMiniflyImage(spec.image),
    // Unset, Minifly makes it `development`.
    env: { NODE_ENV: 'production', ...spec.env },
    guest: { cpu_kind: 'shared', cpus: 1, memory_mb: spec.memoryMb },
    restart: { policy: 'no' },
    mounts: [{ volume: spec.volumeId, path: spec.mountPath }],
    services: [{ protocol: 'tcp', internal_port: spec.internalPort, ports: [{ port: 80, handlers: ['http'] }] }],
  };
}

/**
 * Minifly pulls whatever has no `-local:` in its name before each create, and without a tag all tags there are.
 * A bare name is therefore the image that was built here under it.
 */
export function toMiniflyImage(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1);
  if (/[:@]/.test(name)) return image;
  return name === image ? `${image}-local:latest` : `${image}:latest`;
}

/** Runs the tenant's own image to empty its volume: Minifly keeps the directory of a volume for ever. */
export function toErasingConfig(spec: MachineSpec): MachineConfig {
  return {
    ...toMiniflyConfig(spec),
    // Not a path with "data" in it: there Minifly would make an `app.db`.
    mounts: [{ volume: spec.volumeId, path: ERASED_PATH }],
    init: { entrypoint: ['/bin/sh', '-c'], cmd: [`find ${ERASED_PATH} -mindepth 1 -delete`] },
  };
}

const ERASED_PATH = '/erased';
