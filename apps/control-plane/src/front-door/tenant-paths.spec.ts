import { loadConfig } from '@app/common/config/load-config';
import { ControlPlaneConfig } from '../config';
import { TenantPaths } from './tenant-paths';

describe('TenantPaths', () => {
  const paths = new TenantPaths(['notes', 'live']);

  it.each([
    ['GET', '/api/v1/notes', { path: '/notes', route: '/api/v1/notes' }],
    ['POST', '/api/v1/notes/a/b?x=/y', { path: '/notes/a/b?x=/y', route: '/api/v1/notes/*' }],
    ['GET', '/api/v1/live?since=1', { path: '/live?since=1', route: '/api/v1/live' }],
    ['GET', '/todos/1/image', { path: '/todos/1/image', route: '/todos/:id/image' }],
    ['GET', '/api/v1/notesy', null],
    ['GET', '/api/v1/todos', null],
    ['GET', '/api/v1/me', null],
    ['GET', '/notes', null],
  ])('%s %s -> %j', (method, url, target) => expect(paths.targetOf(method, url)).toEqual(target));

  it('are configured, and never those of the control plane itself', () => {
    expect(loadConfig(ControlPlaneConfig, { TENANT_PATHS: 'notes, live' }).tenantPaths).toEqual(['notes', 'live']);
    for (const value of ['notes,me', 'tokens', 'tenant', 'a/b', '..', 'Notes', 'signup']) {
      expect(() => loadConfig(ControlPlaneConfig, { TENANT_PATHS: value })).toThrow(/TENANT_PATHS/);
    }
  });
});
