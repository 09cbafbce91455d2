import { toMiniflyConfig, toMiniflyImage } from './minifly-config';

const spec = {
  appName: 'todo-user-1',
  tenantId: 'a',
  region: 'fra',
  volumeId: 'vol_1',
  image: 'tenant-todo',
  env: { TENANT_ID: 'a' },
  mountPath: '/data',
  internalPort: 3000,
  memoryMb: 256,
};

describe('toMiniflyConfig', () => {
  it('has what Minifly wants, and nothing that it refuses or drops', () => {
    expect(toMiniflyConfig(spec)).toEqual({
      image: 'tenant-todo-local:latest',
      env: { NODE_ENV: 'production', TENANT_ID: 'a' },
      guest: { cpu_kind: 'shared', cpus: 1, memory_mb: 256 },
      restart: { policy: 'no' },
      mounts: [{ volume: 'vol_1', path: '/data' }],
      services: [{ protocol: 'tcp', internal_port: 3000, ports: [{ port: 80, handlers: ['http'] }] }],
    });
  });

  it('leaves NODE_ENV to who names one', () => {
    expect(toMiniflyConfig({ ...spec, env: { NODE_ENV: 'test' } }).env).toEqual({ NODE_ENV: 'test' });
  });
});

describe('toMiniflyImage', () => {
  it.each([
    ['tenant-todo', 'tenant-todo-local:latest'],
    ['tenant-todo-local:latest', 'tenant-todo-local:latest'],
    ['tenant-todo:3', 'tenant-todo:3'],
    ['registry.example.org:5000/team/tenant', 'registry.example.org:5000/team/tenant:latest'],
    ['registry.example.org/team/tenant:3', 'registry.example.org/team/tenant:3'],
    ['tenant@sha256:0123', 'tenant@sha256:0123'],
  ])('makes %s %s: a name of its own is built here and not pulled, and no name goes without a tag', (image, name) => {
    expect(toMiniflyImage(image)).toBe(name);
  });
});
