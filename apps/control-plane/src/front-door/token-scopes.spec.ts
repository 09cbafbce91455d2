import { DEFAULT_TENANT_PATHS } from '../config';
import { scopesFor } from './token-scopes';

describe('scopesFor', () => {
  it.each([
    ['GET', '/api/v1/todos', ['todos:read']],
    ['HEAD', '/api/v1/todos/7/image?v=1', ['todos:read']],
    ['POST', '/api/v1/todos', ['todos:write']],
    ['DELETE', '/api/v1/todos/7', ['todos:write']],
    ['GET', '/api/v1/events', ['todos:read']],
    ['GET', '/api/v1/export?format=json', ['todos:read']],
    ['POST', '/api/v1/import', ['todos:write']],
    ['GET', '/api/v1/usage/', ['todos:read']],
    ['GET', '/api/v1/tenant', ['todos:read']],
    ['GET', '/api/v1/tenant/events', ['todos:read']],
    ['POST', '/api/v1/tenant/retry', ['todos:write']],
    ['GET', '/api/v1/regions', []],
    ['GET', '/api/v1/me', ['account']],
    ['POST', '/api/v1/tokens', ['account']],
  ])('%s %s needs %j', (method, url, scopes) => expect(scopesFor(method, url, DEFAULT_TENANT_PATHS)).toEqual(scopes));

  it('asks for both to give what reads and writes past the control plane', () => {
    for (const url of ['/api/v1/tenant/token', '/api/v1/tenant/token/', '/api/v1/Tenant/TOKEN?x=1'])
      expect(scopesFor('POST', url, DEFAULT_TENANT_PATHS)).toEqual(['todos:read', 'todos:write']);
  });

  it('asks for the account where it knows nothing better, also for what only begins alike', () => {
    for (const url of ['/api/v1/', '/api/v1/new', '/api/v1/todosx', '/api/v1/tenants', '/api/v1/regions/fra'])
      expect(scopesFor('GET', url, DEFAULT_TENANT_PATHS)).toEqual(['account']);
  });
});
