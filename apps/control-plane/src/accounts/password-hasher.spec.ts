import * as argon2 from 'argon2';
import { HASH_PARAMETERS, PasswordHasher } from './password-hasher';

jest.mock('argon2', () => {
  const real = jest.requireActual<typeof argon2>('argon2');
  return { ...real, hash: jest.fn(real.hash), verify: jest.fn(real.verify) };
});
const hash = jest.mocked(argon2.hash as (password: string) => Promise<string>);
const verify = jest.mocked(argon2.verify);

describe('PasswordHasher', () => {
  afterEach(() => jest.clearAllMocks());

  it('makes argon2id hashes with the parameters on record, and asks to make those with others anew', async () => {
    const hasher = new PasswordHasher();
    const made = await hasher.hash('correct horse');
    expect(made).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/);
    expect(await hasher.verify(made, 'correct horse')).toBe(true);
    expect(await hasher.verify(made, 'correct horse ')).toBe(false);
    expect(hasher.needsRehash(made)).toBe(false);
    const weaker = await argon2.hash('x', { ...HASH_PARAMETERS, memoryCost: 8192 });
    const otherKind = await argon2.hash('x', { ...HASH_PARAMETERS, type: argon2.argon2i });
    expect([hasher.needsRehash(weaker), hasher.needsRehash(otherKind)]).toEqual([true, true]);
  });

  it('computes one hash for an account that does not exist too, with the same parameters, and never finds it right', async () => {
    const hasher = new PasswordHasher();
    await hasher.onModuleInit();
    verify.mockResolvedValueOnce(true);
    expect(await hasher.verify(null, 'whatever')).toBe(false);
    expect(verify.mock.calls).toEqual([[expect.stringMatching(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/), 'whatever']]);
  });

  it('runs three at a time, keeps a bounded number waiting and tells the rest to come back', async () => {
    const finish: (() => void)[] = [];
    hash.mockImplementation(() => new Promise((resolve) => finish.push(() => resolve('hash'))));
    const hasher = new PasswordHasher();
    const taken = Array.from({ length: 203 }, () => hasher.hash('x'));
    await Promise.resolve();
    expect(hash).toHaveBeenCalledTimes(3);
    await expect(hasher.hash('x')).rejects.toMatchObject({ code: 'server_busy', retryAfterSeconds: 3 });
    for (let done = 0; done < 203; done += 1) {
      expect(finish).toHaveLength(Math.min(done + 3, 203));
      finish[done]?.();
      await taken[done];
      await new Promise(setImmediate);
    }
    finish.length = 0;
    const next = hasher.hash('x');
    finish[0]?.();
    expect(await next).toBe('hash');
  });
});
