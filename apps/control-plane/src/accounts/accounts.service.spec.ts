import * as argon2 from 'argon2';
import { from, rowCounts, testAccounts, type TestAccounts } from '../../../../test/support/accounts';
import type { ControlPlaneConfig } from '../config';
import type { SignedIn } from '../front-door/request-context';
import { UserApp } from '../tenants/user-app.entity';
import { User } from './user.entity';

const MINUTE = 60_000;
const NOTHING = { users: 0, sessions: 0, tenants: 0, user_apps: 0, events: 0 };

describe('AccountsService', () => {
  const opened: TestAccounts[] = [];
  const open = async (config: Partial<ControlPlaneConfig> = {}) => {
    const t = await testAccounts(config);
    opened.push(t);
    return t;
  };
  afterEach(() => Promise.all(opened.splice(0).map(({ dataSource }) => dataSource.destroy())));

  const ada = { email: 'Ada@Example.org ', password: 'correct horse', region: 'fra' };
  const signUp = (t: TestAccounts, overrides = {}) => t.accounts.signUp({ ...ada, ...overrides }, from());
  const logIn = async (t: TestAccounts, password = ada.password, email = ada.email, address = '192.0.2.1') =>
    t.accounts.logIn(await t.accounts.checkLogin({ email, password }, address), from({ address }));

  describe('sign-up', () => {
    it('makes the user, the tenant, its app and a session that works at once', async () => {
      const t = await open();
      const due = jest.fn();
      t.tenants.onDue(due);
      const { user, cookie } = await signUp(t);
      expect(user.email).toBe('ada@example.org');
      expect(t.sessions.lookUp(cookie.value)).toMatchObject({ userId: user.id, email: 'ada@example.org' });
      const { tenant, app } = await t.tenants.get(user.id);
      expect(tenant.appName).toBe(`todo-user-${user.id.slice(0, 8)}`);
      expect(app).toMatchObject({
        region: 'fra',
        status: 'provisioning',
        machineId: null,
        nextAttemptAt: t.clock.now(),
      });
      expect(await rowCounts(t.dataSource)).toEqual({ users: 1, sessions: 1, tenants: 1, user_apps: 1, events: 1 });
      await new Promise(setImmediate);
      expect(due).toHaveBeenCalled();
      const [row] = await t.dataSource.getRepository(User).find();
      expect(row?.passwordHash).toMatch(/^\$argon2id\$/);
    });

    it('lets one of two at once have the address, and tells the other', async () => {
      const t = await open();
      const results = await Promise.allSettled([signUp(t), signUp(t, { email: 'ADA@example.org' })]);
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const refused = results.find((result) => result.status === 'rejected');
      expect(refused?.reason).toMatchObject({ code: 'email_taken', fields: [{ field: 'email' }] });
      expect(JSON.stringify(refused?.reason)).not.toContain(ada.password);
      expect(await rowCounts(t.dataSource)).toEqual({ users: 1, sessions: 1, tenants: 1, user_apps: 1, events: 1 });
    });

    it('refuses a region that is not offered, and keeps nothing', async () => {
      const t = await open({ regions: ['ams', 'syd'] });
      const error = await signUp(t).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        code: 'validation_failed',
        fields: [{ field: 'region', message: 'Choose one of these regions: ams, syd.' }],
        input: { email: ada.email, region: 'fra' },
      });
      expect(await rowCounts(t.dataSource)).toEqual(NOTHING);
    });

    it('stops an address that makes accounts by the dozen, for an hour', async () => {
      const t = await open({ signupLimit: 2 });
      await signUp(t);
      await signUp(t, { email: 'bob@example.org' });
      const third = signUp(t, { email: 'eve@example.org' });
      await expect(third).rejects.toMatchObject({ code: 'too_many_attempts', retryAfterSeconds: 3600 });
      t.clock.advance(60 * MINUTE);
      await signUp(t, { email: 'eve@example.org' });
    });
  });

  describe('login', () => {
    it('knows the address however it is written, and the password exactly', async () => {
      const t = await open();
      const { user } = await signUp(t);
      const cookie = await logIn(t, ada.password, '  ADA@EXAMPLE.ORG');
      expect(t.sessions.lookUp(cookie.value)).toMatchObject({ userId: user.id });
      await expect(logIn(t, `${ada.password} `)).rejects.toMatchObject({ code: 'wrong_credentials' });
    });

    it('answers the same, after one hash each, whether the address is unknown or the password wrong', async () => {
      const t = await open();
      await signUp(t);
      const verify = jest.spyOn(t.hasher, 'verify');
      const hash = jest.spyOn(t.hasher, 'hash');
      const unknown = await logIn(t, 'wrong horse', 'nobody@example.org').catch((error: Error) => error);
      expect(verify.mock.calls).toEqual([[null, 'wrong horse']]);
      const wrong = await logIn(t, 'wrong horse').catch((error: Error) => error);
      expect(verify).toHaveBeenCalledTimes(2);
      expect(hash).not.toHaveBeenCalled();
      expect((unknown as Error).message).toBe((wrong as Error).message);
      expect([unknown, wrong]).toMatchObject([{ code: 'wrong_credentials' }, { code: 'wrong_credentials' }]);
    });

    it('hashes again when the parameters were raised, once', async () => {
      const t = await open();
      const { user } = await signUp(t);
      const users = t.dataSource.getRepository(User);
      const weak = await argon2.hash(ada.password, {
        type: argon2.argon2id,
        memoryCost: 8192,
        timeCost: 2,
        parallelism: 1,
      });
      await users.update({ id: user.id }, { passwordHash: weak });
      await expect(logIn(t, 'wrong horse')).rejects.toMatchObject({ code: 'wrong_credentials' });
      expect((await users.findOneByOrFail({ id: user.id })).passwordHash).toBe(weak);
      await logIn(t);
      const { passwordHash } = await users.findOneByOrFail({ id: user.id });
      expect(passwordHash).toContain('m=19456,p=1,t=2');
      await logIn(t);
      expect((await users.findOneByOrFail({ id: user.id })).passwordHash).toBe(passwordHash);
    });

    it('stops wrong passwords for one account from one address for a quarter of an hour, also for an unknown account', async () => {
      const t = await open({ loginLimit: 3 });
      await signUp(t);
      for (const email of [ada.email, 'nobody@example.org']) {
        for (let i = 0; i < 3; i += 1)
          await expect(logIn(t, 'wrong horse', email)).rejects.toMatchObject({ code: 'wrong_credentials' });
        const refused = logIn(t, ada.password, email);
        await expect(refused).rejects.toMatchObject({ code: 'too_many_attempts', retryAfterSeconds: 900 });
      }
      await logIn(t, ada.password, ada.email, '198.51.100.1');
      t.clock.advance(15 * MINUTE);
      await logIn(t);
    });

    it('does not let attempts slip past the limit by coming at once', async () => {
      const t = await open({ loginLimit: 3 });
      await signUp(t);
      const verify = jest.spyOn(t.hasher, 'verify');
      const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => logIn(t, 'wrong horse')));
      const codes = attempts.map(
        (attempt) => attempt.status === 'rejected' && (attempt.reason as { code: string }).code,
      );
      expect(codes.filter((code) => code === 'wrong_credentials')).toHaveLength(3);
      expect(codes.filter((code) => code === 'too_many_attempts')).toHaveLength(17);
      expect(verify).toHaveBeenCalledTimes(3);
    });

    it('forgets the wrong ones of an account after a right one', async () => {
      const t = await open({ loginLimit: 3 });
      await signUp(t);
      for (let round = 0; round < 3; round += 1) {
        for (let i = 0; i < 2; i += 1)
          await expect(logIn(t, 'wrong horse')).rejects.toMatchObject({ code: 'wrong_credentials' });
        await logIn(t);
      }
    });

    it('stops an address that tries many accounts', async () => {
      const t = await open({ loginLimit: 1 });
      jest.spyOn(t.hasher, 'verify').mockResolvedValue(false);
      for (let i = 0; i < 10; i += 1)
        await expect(logIn(t, 'x', `${i}@example.org`)).rejects.toMatchObject({ code: 'wrong_credentials' });
      await expect(logIn(t, 'x', 'y@example.org')).rejects.toMatchObject({ code: 'too_many_attempts' });
      await expect(logIn(t, 'x', 'y@example.org', '198.51.100.1')).rejects.toMatchObject({ code: 'wrong_credentials' });
    });
  });

  describe('a new password', () => {
    const change = (t: TestAccounts, by: SignedIn | null, passwords: { current: string; new: string }) =>
      t.accounts.changePassword(by as SignedIn, passwords, '192.0.2.1');
    const passwords = { current: ada.password, new: 'battery staple' };

    it('takes the place of the current one and ends every other session, no API token', async () => {
      const t = await open();
      const here = t.sessions.lookUp((await signUp(t)).cookie.value) as SignedIn;
      const elsewhere = await logIn(t);
      const { token } = t.tokens.create(here, { name: 'x', expiresInDays: 1, scope: ['account'] });
      const wrong = change(t, here, { ...passwords, current: 'wrong horse' });
      await expect(wrong).rejects.toMatchObject({ code: 'wrong_password', fields: [{ field: 'current' }] });
      expect(t.sessions.lookUp(elsewhere.value)).not.toBeNull();

      await change(t, here, passwords);
      expect(t.sessions.lookUp(elsewhere.value)).toBeNull();
      expect((await t.sessions.list(here.userId)).map(({ idHash }) => idHash)).toEqual([here.sessionHash]);
      expect(t.tokens.lookUp(token)).not.toBeNull();
      await expect(logIn(t)).rejects.toMatchObject({ code: 'wrong_credentials' });
      await logIn(t, 'battery staple');
      await change(t, t.tokens.lookUp(token), { current: 'battery staple', new: ada.password });
      expect(await t.sessions.list(here.userId)).toEqual([]);
    });

    it('is refused after too many wrong ones, which count as those of the login', async () => {
      const t = await open({ loginLimit: 2 });
      const here = t.sessions.lookUp((await signUp(t)).cookie.value);
      await expect(logIn(t, 'wrong horse')).rejects.toMatchObject({ code: 'wrong_credentials' });
      const wrong = { ...passwords, current: 'wrong horse' };
      await expect(change(t, here, wrong)).rejects.toMatchObject({ code: 'wrong_password' });
      await expect(change(t, here, passwords)).rejects.toMatchObject({ code: 'too_many_attempts' });
    });

    it('keeps out a login whose password was checked before it', async () => {
      const t = await open();
      const here = t.sessions.lookUp((await signUp(t)).cookie.value);
      const checked = await t.accounts.checkLogin(ada, '192.0.2.1');
      await change(t, here, passwords);
      await expect(t.accounts.logIn(checked, from())).rejects.toMatchObject({ code: 'wrong_credentials' });
    });

    it('lets one of two at once win', async () => {
      const t = await open();
      const { user, cookie } = await signUp(t);
      const here = t.sessions.lookUp(cookie.value);
      const both = await Promise.allSettled(
        ['first horse', 'second horse'].map((one) => change(t, here, { ...passwords, new: one })),
      );
      expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const winner = both[0]?.status === 'fulfilled' ? 'first horse' : 'second horse';
      expect((await t.accounts.checkLogin({ email: user.email, password: winner }, 'x')).id).toBe(user.id);
    });
  });

  describe('deletion', () => {
    it('asks for the password, then ends every session and hands the app to be destroyed', async () => {
      const t = await open();
      const { user, cookie } = await signUp(t);
      const elsewhere = await logIn(t);
      const here = t.sessions.lookUp(cookie.value) as SignedIn;
      const { token } = t.tokens.create(here, { name: 'x', expiresInDays: 1, scope: ['account'] });
      const wrong = t.accounts.deleteAccount(user.id, 'wrong horse', '192.0.2.1');
      await expect(wrong).rejects.toMatchObject({ code: 'wrong_password', fields: [{ field: 'password' }] });
      expect(t.sessions.lookUp(cookie.value)).not.toBeNull();

      await t.accounts.deleteAccount(user.id, ada.password, '192.0.2.1');
      expect([cookie, elsewhere].map(({ value }) => t.sessions.lookUp(value))).toEqual([null, null]);
      expect((await rowCounts(t.dataSource)).sessions).toBe(0);
      expect(t.tokens.lookUp(token)).toBeNull();
      const app = await t.dataSource.getRepository(UserApp).findOneByOrFail({ userId: user.id });
      expect(app).toMatchObject({ status: 'deleting', nextAttemptAt: t.clock.now() });
      expect((await t.tenants.get(user.id)).tenant.deletedAt).toBe(t.clock.now());
    });

    it('counts its wrong passwords as those of the login', async () => {
      const t = await open({ loginLimit: 2 });
      const { user } = await signUp(t);
      await expect(logIn(t, 'wrong horse')).rejects.toMatchObject({ code: 'wrong_credentials' });
      const guess = () => t.accounts.deleteAccount(user.id, 'wrong horse', '192.0.2.1');
      await expect(guess()).rejects.toMatchObject({ code: 'wrong_password' });
      await expect(guess()).rejects.toMatchObject({ code: 'too_many_attempts' });
    });

    it('leaves nobody in and the address taken until the account is gone', async () => {
      const t = await open();
      const { user } = await signUp(t);
      await t.accounts.deleteAccount(user.id, ada.password, '192.0.2.1');
      await expect(logIn(t, 'wrong horse')).rejects.toMatchObject({ code: 'wrong_credentials' });
      await expect(logIn(t)).rejects.toMatchObject({ code: 'account_deleting' });
      await expect(signUp(t)).rejects.toMatchObject({ code: 'email_taken' });
      expect((await rowCounts(t.dataSource)).sessions).toBe(0);
      await t.dataSource.getRepository(User).delete({ id: user.id });
      await signUp(t);
    });

    it('lets no login that was being checked meanwhile open a session', async () => {
      const t = await open();
      const { user } = await signUp(t);
      const checked = await t.accounts.checkLogin(ada, '192.0.2.1');
      await t.accounts.deleteAccount(user.id, ada.password, '192.0.2.1');
      await expect(t.accounts.logIn(checked, from())).rejects.toMatchObject({ code: 'account_deleting' });
      expect((await rowCounts(t.dataSource)).sessions).toBe(0);
    });
  });
});
