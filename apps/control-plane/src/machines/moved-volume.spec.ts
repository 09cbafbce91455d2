import type { Seen } from '@app/minifly-client/platform';
import { movedVolume } from './moved-volume';

describe('movedVolume', () => {
  const row = { machineId: 'm1', volumeId: 'v1' };
  const seen = (mounts: string | null, ...volumes: string[]): Seen => ({
    app: 'ours',
    volumes: volumes.map((id) => ({ id, region: 'iad', attachedMachineId: null, everMounted: true })),
    machines: [{ id: 'm1', name: 'a-iad', state: 'stopped', region: 'iad', volumeId: mounts, env: {}, version: '1' }],
  });

  it('is what the machine mounts when the platform shows that in the place of the row’s', () => {
    expect(movedVolume(row, seen('v2', 'v2'))).toBe('v2');
  });

  it.each<[string, typeof row | { machineId: string; volumeId: null }, Seen]>([
    ['the row’s volume is there', row, seen('v2', 'v1', 'v2')],
    ['the machine mounts one that is not shown', row, seen('v2', 'v3')],
    ['the machine mounts none', row, seen(null, 'v2')],
    ['it is another machine', { ...row, machineId: 'm2' }, seen('v2', 'v2')],
    ['the row never had one', { machineId: 'm1', volumeId: null }, seen('v2', 'v2')],
  ])('is none where %s', (_, app, shown) => {
    expect(movedVolume(app, shown)).toBeNull();
  });
});
