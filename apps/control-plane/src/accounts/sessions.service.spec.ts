import { from, testAccounts, type TestAccounts } from '../../../../test/support/accounts';
import { handleOf } from '../database/atomically';
import { Session } from './session.entity';
import { publicIdOf } from './sessions.service';
import { User } from './user.entity';

const HOUR = 3_600_000;

describe('SessionsService', () => {
  let t: TestAccounts;
  const ada = { id: 'ada', email: 'ada@example.org', passwordHash: 'hash', createdAt: 0 };
  beforeEach(async () => {
    t = await testAccounts({ sessionIdleHours: 10, sessionMaxHours: 24 });
    await t.dataSource.getRepository(User).insert(ada);
  });
  afterEach(() => t.dataSource.destroy());
  const rows = () => t.dataSource.getRepository(Session).find();
  const statementsDuring = (work: () => void): number => {
    const prepare = jest.spyOn(handleOf(t.dataSource), 'prepare');
    work();
    const { length } = prepare.mock.calls;
    prepare.mockRestore();
    return length;
  };

  it('gives an id that is nowhere in the database, and knows its bearer by it', async () => {
    const cookie = await t.sessions.open(ada, from());
    expect(cookie.maxAgeSeconds).toBe(24 * 3600);
    expect(Buffer.from(cookie.value, 'base64url')).toHaveLength(32);
    const [row] = await rows();
    expect(JSON.stringify(row)).not.toContain(cookie.value);
    expect(row).toMatchObject({ userId: 'ada', userAgent: 'a browser', address: '192.0.2.1' });
    const signedIn = { sessionHash: row?.idHash, userId: 'ada', email: 'ada@example.org' };
    expect(t.sessions.lookUp(cookie.value)).toEqual(signedIn);
    for (const other of ['', 'x', `${cookie.value}x`, `A${cookie.value.slice(1)}`, row?.idHash ?? ''])
      expect(other === cookie.value || t.sessions.lookUp(other) === null).toBe(true);
  });

  it('answers from memory until half a minute has passed, also for a row that somebody else deleted', async () => {
    const { value } = await t.sessions.open(ada, from());
    t.sessions.lookUp(value);
    expect(statementsDuring(() => expect(t.sessions.lookUp(value)).not.toBeNull())).toBe(0);
    await t.dataSource.getRepository(Session).deleteAll();
    t.clock.advance(30_000);
    expect(t.sessions.lookUp(value)).toBeNull();
  });

  it('ends what was not used for long, at last even what was', async () => {
    const { value } = await t.sessions.open(ada, from());
    for (const hours of [9, 9]) {
      t.clock.advance(hours * HOUR);
      expect(t.sessions.lookUp(value)).not.toBeNull();
    }
    t.clock.advance(6 * HOUR - 1);
    expect(t.sessions.lookUp(value)).not.toBeNull();
    t.clock.advance(1);
    expect(t.sessions.lookUp(value)).toBeNull();

    const idle = await t.sessions.open(ada, from());
    expect(t.sessions.lookUp(idle.value)).not.toBeNull();
    t.clock.advance(10 * HOUR);
    expect(t.sessions.lookUp(idle.value)).toBeNull();
  });

  it('writes down once a minute that a session was used', async () => {
    const { value } = await t.sessions.open(ada, from());
    const opened = t.clock.now();
    t.sessions.lookUp(value);
    t.clock.advance(59_999);
    t.sessions.lookUp(value);
    expect((await rows())[0]?.lastSeenAt).toBe(opened);
    t.clock.advance(1);
    t.sessions.lookUp(value);
    t.sessions.lookUp(value);
    expect((await rows())[0]).toMatchObject({ lastSeenAt: opened + 60_000, expiresAt: opened + 60_000 + 10 * HOUR });
  });

  it('ends at once, out of memory too, and tells who listens', async () => {
    const ended: string[] = [];
    const stop = t.sessions.onEnded((hash, userId) => ended.push(`${userId} ${hash}`));
    const one = await t.sessions.open(ada, from());
    const two = await t.sessions.open(ada, from());
    const [hash1, hash2] = [one, two].map(({ value }) => t.sessions.lookUp(value)?.sessionHash ?? '');
    await t.sessions.end(hash1 ?? '');
    expect([t.sessions.lookUp(one.value), t.sessions.lookUp(two.value)]).toEqual([null, expect.anything()]);
    await t.sessions.end(hash1 ?? '');
    expect(ended).toEqual([`ada ${hash1}`]);
    await t.sessions.endAll('ada');
    expect(t.sessions.lookUp(two.value)).toBeNull();
    expect(ended).toEqual([`ada ${hash1}`, `ada ${hash2}`]);
    stop();
    await t.sessions.open(ada, from());
    await t.sessions.endAll('ada');
    expect(ended).toHaveLength(2);
  });

  it('lists those of a user, the last used first, and ends one by a name that is worth nothing as a session', async () => {
    const bob = { ...ada, id: 'bob', email: 'bob@example.org' };
    await t.dataSource.getRepository(User).insert(bob);
    const ofBob = await t.sessions.open(bob, from());
    const idle = await t.sessions.open(ada, from());
    t.clock.advance(HOUR);
    const used = await t.sessions.open(ada, from());
    const listed = await t.sessions.list('ada');
    const hashOf = (cookie: { value: string }) => t.sessions.lookUp(cookie.value)?.sessionHash ?? '';
    expect(listed.map(({ idHash }) => idHash)).toEqual([hashOf(used), hashOf(idle)]);

    const name = publicIdOf(hashOf(used));
    expect(t.sessions.lookUp(name)).toBeNull();
    const ended: string[] = [];
    t.sessions.onEnded((hash) => ended.push(hash));
    const hash = hashOf(used);
    for (const [userId, id] of [
      ['bob', name],
      ['ada', name.slice(1)],
      ['ada', ''],
      ['ada', publicIdOf(hashOf(ofBob))],
    ] as const)
      expect(() => t.sessions.revoke(userId, id)).toThrow(expect.objectContaining({ code: 'not_found' }) as Error);
    t.sessions.revoke('ada', name);
    expect(t.sessions.lookUp(used.value)).toBeNull();
    expect(ended).toEqual([hash]);
    expect([idle, ofBob].map(({ value }) => t.sessions.lookUp(value)?.userId)).toEqual(['ada', 'bob']);
    t.clock.advance(10 * HOUR);
    expect(await t.sessions.list('ada')).toEqual([]);
  });

  it("ends a browser's session when it gets a new one", async () => {
    const old = await t.sessions.open(ada, from());
    const previousSessionHash = t.sessions.lookUp(old.value)?.sessionHash;
    const other = await t.sessions.open(ada, from());
    const renewed = await t.sessions.open(ada, from({ previousSessionHash }));
    expect(t.sessions.lookUp(old.value)).toBeNull();
    expect(t.sessions.lookUp(other.value)).not.toBeNull();
    expect(t.sessions.lookUp(renewed.value)).not.toBeNull();
  });

  it('keeps the old session when nothing came of the new one', async () => {
    const old = await t.sessions.open(ada, from());
    const previousSessionHash = t.sessions.lookUp(old.value)?.sessionHash;
    const failing = () =>
      t.sessions.opening(from({ previousSessionHash }), (_db, openSession) => {
        openSession(ada);
        throw new Error('refused');
      });
    expect(failing).toThrow('refused');
    expect(t.sessions.lookUp(old.value)).not.toBeNull();
    expect(await rows()).toHaveLength(1);
  });

  it('knows sessions that an older secret signed as long as it is listed, and signs with the first', async () => {
    const old = await t.anotherSessions(['the older secret']).open(ada, from());
    const both = t.anotherSessions(['the newer secret', 'the older secret']);
    expect(both.lookUp(old.value)).toMatchObject({ userId: 'ada' });
    const fresh = await both.open(ada, from());
    const newer = t.anotherSessions(['the newer secret']);
    expect([newer.lookUp(old.value), newer.lookUp(fresh.value)]).toEqual([null, expect.anything()]);
  });

  it('sweeps away what has expired, batch after batch, and nothing else', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    const ended: string[] = [];
    t.sessions.onEnded((hash) => ended.push(hash));
    for (let i = 0; i < 250; i += 1) await t.sessions.open(ada, from());
    t.clock.advance(5 * HOUR);
    const young = await t.sessions.open(ada, from());
    t.clock.advance(5 * HOUR);
    t.sessions.sweep();
    expect(await rows()).toHaveLength(51);
    jest.runOnlyPendingTimers();
    expect(await rows()).toHaveLength(1);
    expect(ended).toHaveLength(250);
    expect(t.sessions.lookUp(young.value)).not.toBeNull();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it('leaves no timer behind', () => {
    jest.useFakeTimers();
    t.sessions.onModuleInit();
    expect(jest.getTimerCount()).toBe(1);
    t.sessions.onModuleDestroy();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });
});
