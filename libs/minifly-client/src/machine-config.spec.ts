import { differs, guestOf, toMachineConfig } from './machine-config';
import type { MachineConfig } from './machine-types';

const wanted = toMachineConfig({
  appName: 'todo-user-1',
  tenantId: 'a',
  region: 'iad',
  volumeId: 'vol_1',
  image: 'tenant-todo',
  env: { A: '1', B: '2' },
  mountPath: '/data',
  internalPort: 3000,
  memoryMb: 256,
});

describe('guestOf', () => {
  it.each([
    [256, 1],
    [2048, 1],
    [2304, 2],
    [8192, 4],
    [16_384, 8],
  ])('gives %i MB to %i CPUs', (memoryMb, cpus) => {
    expect(guestOf(memoryMb)).toEqual({ cpu_kind: 'shared', cpus, memory_mb: memoryMb });
  });
});

describe('differs', () => {
  it('is false for the same in the form that Fly gives back, with what it adds', () => {
    const readBack = {
      ...wanted,
      env: { B: '2', A: '1' },
      init: {},
      mounts: [{ ...wanted.mounts?.[0], name: 'data', size_gb: 1 }],
      services: [{ ...wanted.services?.[0], autostop: false, force_instance_key: null }],
    } as unknown as MachineConfig; // Fly answers otherwise than its own file says
    expect(differs(readBack, wanted)).toBe(false);
  });

  it.each<[string, MachineConfig | undefined]>([
    ['image', { ...wanted, image: 'other' }],
    ['a variable', { ...wanted, env: { A: '1', B: '3' } }],
    ['a variable more', { ...wanted, env: { A: '1', B: '2', C: '3' } }],
    ['a variable less', { ...wanted, env: { A: '1' } }],
    ['mount', { ...wanted, mounts: [{ volume: 'vol_1', path: '/other' }] }],
    ['port', { ...wanted, services: [{ internal_port: 3001 }] }],
    ['memory', { ...wanted, guest: { memory_mb: 512 } }],
    ['everything: the host does not answer and shows no configuration', undefined],
  ])('sees another %s', (_, actual) => {
    expect(differs(actual, wanted)).toBe(true);
  });
});
