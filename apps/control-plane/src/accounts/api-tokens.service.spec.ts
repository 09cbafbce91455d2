import { testAccounts, type TestAccounts } from '../../../../test/support/accounts';
import { atomically, handleOf } from '../database/atomically';
import type { SignedIn } from '../front-door/request-context';
import { ApiToken } from './api-token.entity';
import { MAX_TOKENS, type NewApiToken } from './api-tokens.service';
import { User } from './user.entity';

const DAY = 24 * 3_600_000;

describe('ApiTokensService', () => {
  let t: TestAccounts;
  const ada: SignedIn = { sessionHash: 'session', userId: 'ada', email: 'ada@example.org' };
  const input: NewApiToken = { name: 'backup', expiresInDays: 30, scope: ['todos:read'] };
  beforeEach(async () => {
    t = await testAccounts();
    for (const id of ['ada', 'bob'])
      await t.dataSource
        .getRepository(User)
        .insert({ id, email: `${id}@example.org`, passwordHash: 'hash', createdAt: 0 });
  });
  afterEach(() => t.dataSource.destroy());
  const make = (overrides: Partial<NewApiToken> = {}, by = ada) => t.tokens.create(by, { ...input, ...overrides });
  const rows = () => t.dataSource.getRepository(ApiToken).find();
  const bearerOf = (token: string): SignedIn => t.tokens.lookUp(token) as SignedIn;

  it('gives a token that is nowhere in the database, and knows its bearer and scopes by it', async () => {
    const { token, row } = make({ scope: ['account', 'todos:read', 'account'] });
    expect(token).toMatch(/^todo_pat_[0-9a-f]{40}$/);
    expect(JSON.stringify(await rows())).not.toContain(token.slice(9));
    expect(t.tokens.lookUp(token)).toEqual({
      sessionHash: row.tokenHash,
      userId: 'ada',
      email: 'ada@example.org',
      apiToken: { id: row.id, scopes: new Set(['todos:read', 'account']), expiresAt: t.clock.now() + 30 * DAY },
    });
    for (const other of ['', 'todo_pat_', token.slice(0, -1), `${token}0`, token.toUpperCase(), row.id, row.tokenHash])
      expect(t.tokens.lookUp(other)).toBeNull();
  });

  it('knows it until it expires, then sweeps it away and tells who listens', async () => {
    const ended: string[] = [];
    t.tokens.onEnded((hash) => ended.push(hash));
    const { token, row } = make({ expiresInDays: 1 });
    const { token: longer } = make({ expiresInDays: 2 });
    t.clock.advance(DAY - 1);
    expect(t.tokens.lookUp(token)).not.toBeNull();
    t.clock.advance(1);
    expect(t.tokens.lookUp(token)).toBeNull();
    expect(await t.tokens.list('ada')).toHaveLength(1);
    t.tokens.sweep();
    expect(await rows()).toHaveLength(1);
    expect(ended).toEqual([row.tokenHash]);
    expect(t.tokens.lookUp(longer)).not.toBeNull();
  });

  it('answers from memory, and writes down once a minute that it was used', async () => {
    const { token } = make();
    expect((await rows())[0]?.lastUsedAt).toBeNull();
    t.tokens.lookUp(token);
    const used = t.clock.now();
    const prepare = jest.spyOn(handleOf(t.dataSource), 'prepare');
    t.clock.advance(29_999);
    t.tokens.lookUp(token);
    expect(prepare).not.toHaveBeenCalled();
    prepare.mockRestore();
    t.clock.advance(30_000);
    t.tokens.lookUp(token);
    expect((await rows())[0]?.lastUsedAt).toBe(used);
    t.clock.advance(1);
    t.tokens.lookUp(token);
    expect((await rows())[0]?.lastUsedAt).toBe(used + 60_000);
  });

  it('ends at once, out of memory too, for its owner alone', async () => {
    const ended: string[] = [];
    const stop = t.tokens.onEnded((hash) => ended.push(hash));
    const { token, row } = make();
    t.tokens.lookUp(token);
    expect(() => t.tokens.revoke('bob', row.id)).toThrow(expect.objectContaining({ code: 'not_found' }) as Error);
    expect(t.tokens.lookUp(token)).not.toBeNull();
    t.tokens.revoke('ada', row.id);
    expect(t.tokens.lookUp(token)).toBeNull();
    expect(ended).toEqual([row.tokenHash]);
    expect(() => t.tokens.revoke('ada', row.id)).toThrow(expect.objectContaining({ code: 'not_found' }) as Error);
    stop();
    t.tokens.revoke('ada', make().row.id);
    expect(ended).toHaveLength(1);
    expect(await t.tokens.list('ada')).toEqual([]);
  });

  it('lets a token make only what is no more than itself', () => {
    const by = bearerOf(make({ scope: ['account', 'todos:read'], expiresInDays: 10 }).token);
    const refused = expect.objectContaining({ code: 'insufficient_scope' }) as Error;
    expect(() => make({ scope: ['todos:write'], expiresInDays: 1 }, by)).toThrow(refused);
    expect(() => make({ scope: ['todos:read'], expiresInDays: 11 }, by)).toThrow(refused);
    expect(bearerOf(make({ scope: ['todos:read'], expiresInDays: 10 }, by).token).userId).toBe('ada');
  });

  it(`keeps ${MAX_TOKENS} at most for each user; expired ones do not count`, () => {
    for (let i = 0; i < MAX_TOKENS; i += 1) make({ expiresInDays: 1 });
    expect(() => make()).toThrow(expect.objectContaining({ code: 'too_many_tokens' }) as Error);
    make({}, { ...ada, userId: 'bob' });
    t.clock.advance(DAY);
    make();
  });

  it('makes none for an account that is being deleted', async () => {
    t.tenants.createWithin(handleOf(t.dataSource), { id: 'ada', region: 'fra', at: 0 });
    const { token } = make();
    const end = atomically(t.dataSource, (db) => {
      t.tenants.markDeletedWithin(db, 'ada', 1);
      return t.tokens.revokeAllWithin(db, 'ada');
    });
    end();
    expect(t.tokens.lookUp(token)).toBeNull();
    expect(() => make()).toThrow(expect.objectContaining({ code: 'account_deleting' }) as Error);
    expect(await rows()).toEqual([]);
  });

  it('knows tokens that an older secret signed as long as it is listed, and goes with its user', async () => {
    const { token } = t.anotherTokens(['the older secret']).create(ada, input);
    expect(t.tokens.lookUp(token)).toBeNull();
    expect(t.anotherTokens(['the newer secret', 'the older secret']).lookUp(token)).toMatchObject({ userId: 'ada' });
    await t.dataSource.getRepository(User).delete({ id: 'ada' });
    expect(await rows()).toEqual([]);
  });

  it('leaves no timer behind', () => {
    jest.useFakeTimers();
    t.tokens.onModuleInit();
    expect(jest.getTimerCount()).toBe(1);
    t.tokens.onModuleDestroy();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });
});
