import { DomainError } from '../errors/domain-error';
import { createTokenSigner } from './sign';
import { createTokenVerifier } from './verify';

const claims = { aud: 'todo-user-00000001', sub: 'user-1', dbid: 'db-1', epoch: 3, iat: 1_000, exp: 1_060 };
const clockAt = (seconds: number) => ({ now: () => seconds * 1000 });
const codeOf = (promise: Promise<unknown>) => promise.then(() => 'accepted').catch((error: DomainError) => error.code);

describe('tenant tokens', () => {
  const signer = createTokenSigner(['a secret of the control plane']);

  it('carry the claims from signer to verifier with public keys alone', async () => {
    const jwks = signer.publicJwks();
    expect(JSON.stringify(jwks)).not.toContain('"d"');
    await expect(createTokenVerifier(jwks, clockAt(1_010)).verify(await signer.sign(claims))).resolves.toEqual(claims);
  });

  it('are refused when expired, also when verified before', async () => {
    let seconds = 1_010;
    const verifier = createTokenVerifier(signer.publicJwks(), { now: () => seconds * 1000 });
    const token = await signer.sign(claims);
    await verifier.verify(token);
    seconds = 1_061;
    expect(await codeOf(verifier.verify(token))).toBe('token_expired');
  });

  it('are refused when somebody else signed them, altered them, or they are no token', async () => {
    const verifier = createTokenVerifier(signer.publicJwks(), clockAt(1_010));
    expect(await codeOf(verifier.verify(await createTokenSigner(['another secret']).sign(claims)))).toBe('unknown_key');
    const [header, , signature] = (await signer.sign(claims)).split('.');
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'user-2' })).toString('base64url');
    expect(await codeOf(verifier.verify(`${header}.${forged}.${signature}`))).toBe('token_invalid');
    const none = Buffer.from('{"alg":"none","typ":"tenant+jwt"}').toString('base64url');
    expect(await codeOf(verifier.verify(`${none}.${forged}.`))).toBe('token_invalid');
    expect(await codeOf(verifier.verify('nonsense'))).toBe('token_invalid');
    for (const epoch of [undefined, '3', 0, 1.5] as unknown as number[]) {
      expect(await codeOf(verifier.verify(await signer.sign({ ...claims, epoch })))).toBe('token_invalid');
    }
  });

  it('signed before a rotation still verify, because the old secret stands behind the new one', async () => {
    const rotated = createTokenSigner(['a new secret', 'a secret of the control plane']);
    const verifier = createTokenVerifier(rotated.publicJwks(), clockAt(1_010));
    await expect(verifier.verify(await signer.sign(claims))).resolves.toEqual(claims);
    await expect(verifier.verify(await rotated.sign(claims))).resolves.toEqual(claims);
  });
});
