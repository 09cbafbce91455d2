import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { openTestDatabase, rowCounts } from '../../../../test/support/accounts';
import { User } from '../accounts/user.entity';
import { TenantEvent } from '../tenants/event.entity';
import { TenantsService } from '../tenants/tenants.service';
import { TimelineService } from '../tenants/timeline.service';
import { atomically } from './atomically';

describe('atomically', () => {
  let dataSource: DataSource;
  beforeEach(async () => (dataSource = await openTestDatabase()));
  afterEach(() => dataSource.destroy());

  it('keeps eighty of a hundred sign-ups in one tick whole, every fifth undone, and every insert between them', async () => {
    const tenants = new TenantsService(dataSource, new TimelineService(dataSource));
    const signUp = (id: string, fails: boolean) =>
      atomically(dataSource, (db) => {
        db.prepare('INSERT INTO users VALUES (?, ?, ?, ?)').run(id, `${id}@example.org`, 'hash', 0);
        tenants.createWithin(db, { id, region: 'fra', at: 0 });
        db.prepare('INSERT INTO sessions VALUES (?, ?, 0, 0, 0, NULL, NULL)').run(id, id);
        if (fails) throw new Error('refused');
      });

    const ids = Array.from({ length: 100 }, () => randomUUID());
    const inserts: Promise<unknown>[] = [];
    let refused = 0;
    ids.forEach((id, i) => {
      inserts.push(dataSource.getRepository(TenantEvent).insert({ tenantId: 'between', at: i, kind: 'woken' }));
      try {
        signUp(id, i % 5 === 0);
      } catch {
        refused += 1;
      }
    });
    await Promise.all(inserts);

    expect(refused).toBe(20);
    expect(await rowCounts(dataSource)).toEqual({ users: 80, sessions: 80, tenants: 80, user_apps: 80, events: 180 });
    const users = await dataSource.getRepository(User).find();
    expect(new Set(users.map(({ id }) => id))).toEqual(new Set(ids.filter((_, i) => i % 5 !== 0)));
    expect(await dataSource.getRepository(TenantEvent).countBy({ tenantId: 'between' })).toBe(100);
  });

  it('refuses work that goes on after it, and keeps nothing of it', async () => {
    const insert = "INSERT INTO events (tenant_id, at, kind) VALUES ('t', 0, 'woken')";
    const work = () =>
      atomically(dataSource, (db) => {
        db.prepare(insert).run();
        return Promise.resolve();
      });
    expect(work).toThrow('Transaction function cannot return a promise');
    expect((await rowCounts(dataSource)).events).toBe(0);
  });

  it("leaves no way to TypeORM's own transactions, which share one connection", async () => {
    const users = dataSource.getRepository(User);
    const user = users.create({ id: 'u', email: 'ada@example.org', passwordHash: 'hash', createdAt: 0 });
    await expect(users.save(user)).rejects.toThrow('atomically()');
    await expect(dataSource.transaction((manager) => manager.insert(User, user))).rejects.toThrow('atomically()');
    await users.insert(user);
    await expect(users.remove(user)).rejects.toThrow('atomically()');
    expect(await users.count()).toBe(1);
  });
});
