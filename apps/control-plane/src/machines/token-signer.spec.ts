import 'reflect-metadata';
import { createTokenVerifier } from '@app/common/tenant-token/verify';
import { TenantTokenSigner } from './token-signer';

const subject = { tenantId: 'user-1', appName: 'todo-user-1', databaseId: 'd1', epoch: 2 };
const clock = { now: () => 1_790_000_000_500 };
const signer = new TenantTokenSigner(['the current secret', 'the one before'], clock);

describe('TenantTokenSigner', () => {
  it('signs what a tenant verifies with the public keys alone: a minute for a route, ten for direct use', async () => {
    const { verify } = createTokenVerifier(signer.publicJwks(), clock);
    const claims = { aud: 'todo-user-1', sub: 'user-1', dbid: 'd1', epoch: 2, iat: 1_790_000_000 };
    expect(await verify(await signer.signForRoute(subject))).toEqual({ ...claims, exp: claims.iat + 60 });
    const direct = await signer.signForDirectUse(subject);
    expect(await verify(direct.token)).toEqual({ ...claims, exp: claims.iat + 600 });
    expect(direct.expiresAt).toBe((claims.iat + 600) * 1000);
  });

  it('offers the keys of all secrets, so that a rotation finds the tenants able to verify, and nothing private', () => {
    const before = new TenantTokenSigner(['the one before'], clock);
    const offered = signer.publicJwks().keys;
    expect(offered.map(({ kid }) => kid)).toContain(before.publicJwks().keys[0]?.kid);
    for (const key of offered) expect(key).not.toHaveProperty('d');
  });
});
