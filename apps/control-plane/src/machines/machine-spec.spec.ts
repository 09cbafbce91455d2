import 'reflect-metadata';
import { ControlPlaneConfig } from '../config';
import type { UserApp } from '../tenants/user-app.entity';
import { MachineSpecs } from './machine-spec';
import { TenantTokenSigner } from './token-signer';

const clock = { now: () => 1_790_000_000_000 };
const specs = new MachineSpecs(
  new ControlPlaneConfig(),
  new TenantTokenSigner(['a secret of the control plane'], clock),
);
const app = (overrides: Partial<UserApp> = {}) => ({
  userId: 'u',
  appName: 'todo-user-1',
  region: 'fra',
  role: 'primary' as const,
  epoch: 1,
  volumeKind: 'plain' as const,
  ...overrides,
});

describe('MachineSpecs', () => {
  it('tells a machine its epoch, and nothing of LiteFS where its volume is plain', () => {
    const { env } = specs.specOf(app({ epoch: 3 }), 'vol_1');
    expect(env['TENANT_EPOCH']).toBe('3');
    expect(Object.keys(env).filter((name) => name.startsWith('LITEFS'))).toEqual([]);
  });

  it('sets every variable of LiteFS where the volume is of that kind, because an empty one would mean primary', () => {
    const { env } = specs.specOf(app({ volumeKind: 'litefs', role: 'replica' }), 'vol_1');
    expect(env).toMatchObject({
      LITEFS_LEASE: 'static',
      LITEFS_ROLE: 'replica',
      LITEFS_HOSTNAME: 'todo-user-1-fra',
      LITEFS_ADVERTISE_URL: 'http://localhost:20202',
      LITEFS_DIR: '/litefs',
      LITEFS_DATA_DIR: '/data/litefs',
      LITEFS_HTTP_ADDR: ':20202',
    });
  });

  it('finds a machine outdated that has other keys, or the role or epoch of before', () => {
    const { env } = specs.specOf(app({ volumeKind: 'litefs' }), 'vol_1');
    expect(specs.isOutdated(app(), env)).toBe(false);
    expect(specs.isOutdated(app({ epoch: 2 }), env)).toBe(true);
    expect(specs.isOutdated(app({ role: 'replica' }), env)).toBe(true);
    expect(specs.isOutdated(app(), { ...env, TENANT_TOKEN_KEYS: '{"keys":[]}' })).toBe(true);
  });

  it('takes a machine that was made before there were epochs for one of the first', () => {
    const { TENANT_EPOCH: _, ...env } = specs.specOf(app(), 'vol_1').env;
    expect(specs.isOutdated(app(), env)).toBe(false);
    expect(specs.isOutdated(app({ epoch: 2 }), env)).toBe(true);
  });
});
