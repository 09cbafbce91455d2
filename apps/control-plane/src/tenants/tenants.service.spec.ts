import type { DataSource } from 'typeorm';
import { openTestDatabase } from '../../../../test/support/accounts';
import { atomically } from '../database/atomically';
import { TenantsService } from './tenants.service';
import { TimelineService } from './timeline.service';
import { UserApp } from './user-app.entity';

describe('TenantsService', () => {
  let dataSource: DataSource;
  let timeline: TimelineService;
  let tenants: TenantsService;
  beforeEach(async () => {
    dataSource = await openTestDatabase();
    timeline = new TimelineService(dataSource);
    tenants = new TenantsService(dataSource, timeline);
  });
  afterEach(() => dataSource.destroy());

  const create = (id: string) =>
    atomically(dataSource, (db) => tenants.createWithin(db, { id, region: 'fra', at: 1000 }));
  it('gives two users whose ids begin with the same eight hex digits an app each', async () => {
    const [ada, bob, eve] = [
      '12345678-1111-4000-8000-000000000001',
      '12345678-2222-4000-8000-000000000002',
      '12345678-2222-4000-9000-000000000003',
    ] as const;
    for (const id of [ada, bob, eve]) create(id);
    expect((await tenants.get(ada)).tenant.appName).toBe('todo-user-12345678');
    expect((await tenants.get(bob)).tenant.appName).toBe('todo-user-123456782222');
    expect((await tenants.get(eve)).app).toMatchObject({
      appName: 'todo-user-1234567822224000',
      status: 'provisioning',
    });
  });

  it('takes up what has failed and nothing else', async () => {
    create('t');
    await expect(tenants.retry('t', 2000)).rejects.toMatchObject({ code: 'retry_not_possible' });
    const lastError = { code: 'capacity', detail: 'full', at: 1500 };
    await dataSource.getRepository(UserApp).update({ userId: 't' }, { status: 'failed', attempts: 4, lastError });
    await tenants.retry('t', 2000);
    const { app } = await tenants.get('t');
    expect(app).toMatchObject({ status: 'provisioning', attempts: 0, nextAttemptAt: 2000, lastError: null });
    expect((await timeline.list('t')).map(({ kind }) => kind)).toEqual(['signed_up', 'retried']);
    await expect(tenants.retry('t', 3000)).rejects.toMatchObject({ code: 'retry_not_possible' });
  });

  it('marks a tenant for deletion once, also when asked again', async () => {
    create('t');
    const mark = (at: number) => atomically(dataSource, (db) => tenants.markDeletedWithin(db, 't', at));
    mark(2000);
    mark(3000);
    const { tenant, app } = await tenants.get('t');
    expect(tenant.deletedAt).toBe(2000);
    expect(app).toMatchObject({ status: 'deleting', statusSince: 2000 });
    expect((await timeline.list('t')).filter(({ kind }) => kind === 'delete_requested')).toHaveLength(1);
  });
});
