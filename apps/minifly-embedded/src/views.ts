import type { AppRecord, MachineRecord, VolumeRecord } from './records';

/** What the API shows, field by field as Fly does. */

export function appView(app: AppRecord, counts: { machines: number; volumes: number }) {
  return {
    id: app.id,
    name: app.name,
    organization: { name: app.orgSlug, slug: app.orgSlug },
    network: app.network ?? 'default',
    status: counts.machines > 0 ? 'deployed' : 'pending',
    machine_count: counts.machines,
    volume_count: counts.volumes,
  };
}

export function volumeView(volume: VolumeRecord, state: 'created' | 'pending_destroy', machineId: string | null) {
  return {
    id: volume.id,
    name: volume.name,
    state,
    size_gb: volume.sizeGb,
    region: volume.region,
    zone: 'embedded',
    encrypted: false,
    attached_machine_id: machineId,
    attached_alloc_id: null,
    host_status: 'ok',
    created_at: new Date(volume.createdAt).toISOString(),
  };
}

export function machineView(machine: MachineRecord) {
  const [repository = '', tag = 'latest'] = machine.config.image.split(':');
  return {
    id: machine.id,
    name: machine.name,
    state: machine.state,
    region: machine.region,
    instance_id: machine.version,
    version: machine.version,
    private_ip: machine.privateIp,
    ...(machine.privatePort === null ? {} : { private_port: machine.privatePort }),
    config: machine.config,
    image_ref: { registry: 'embedded', repository, tag, digest: '' },
    created_at: new Date(machine.createdAt).toISOString(),
    updated_at: new Date(machine.updatedAt).toISOString(),
    events: machine.events,
    checks: [],
    host_status: 'ok',
  };
}
