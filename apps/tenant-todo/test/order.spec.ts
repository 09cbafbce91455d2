import { openSqlite } from '@app/common/sqlite/open';
import { migrate } from '@app/common/sqlite/migrate';
import { tenantTodoMigrations } from '@migrations/tenant-todo';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE_FILE } from '../src/database/tenant-database';
import type { Todo, TodoPage } from '../src/todos/todo';
import { startTenant, temporaryDirectory, type RunningTenant } from './running-tenant';

describe('the order of the list', () => {
  let tenant: RunningTenant;
  const ids: Record<string, string> = {};
  beforeEach(async () => {
    tenant = await startTenant();
    for (const title of ['d', 'c', 'b', 'a']) ids[title] = await create(title);
  });
  afterEach(() => tenant.close());

  async function create(title: string): Promise<string> {
    return ((await (await tenant.sendJson('POST', '/todos', { title })).json()) as Todo).id;
  }
  const list = async (query = '') => (await (await tenant.send(`/todos${query}`)).json()) as TodoPage;
  const titles = async (query = '') => (await list(query)).items.map(({ title }) => title).join('');
  const move = (title: string, before: unknown) => tenant.sendJson('POST', `/todos/${ids[title]}/move`, { before });

  it('is changed by putting one before another, or at the end, and kept', async () => {
    expect(await titles()).toBe('abcd');
    const moved = await move('d', ids.b);
    expect([moved.status, await moved.json()]).toMatchObject([200, { id: ids.d, title: 'd' }]);
    expect(await titles()).toBe('adbc');
    await move('c', ids.a);
    expect(await titles()).toBe('cadb');
    await move('c', null);
    expect(await titles()).toBe('adbc');
    await create('e');
    expect(await titles()).toBe('eadbc');
    await tenant.sendJson('PATCH', `/todos/${ids.b}`, { completed: true });
    expect(await titles('?filter=open')).toBe('eadc');
  });

  it('stays as it is for one that is there already, and for one before itself', async () => {
    const positions = () => tenant.database.sqlite.prepare('SELECT id, position FROM todos ORDER BY id').all();
    const before = positions();
    for (const [title, other] of [
      ['a', ids.b],
      ['b', ids.b],
      ['d', null],
    ] as const) {
      expect((await move(title, other)).status).toBe(200);
    }
    expect(positions()).toEqual(before);
    expect(await titles()).toBe('abcd');
  });

  it('writes one row a move, and leaves the to-do itself unchanged', async () => {
    const etag = (await tenant.send(`/todos/${ids.d}`)).headers.get('etag');
    const changes = tenant.database.sqlite.prepare('SELECT total_changes()').pluck();
    const before = changes.get() as number;
    expect((await move('d', ids.b)).headers.get('etag')).toBe(etag);
    expect((changes.get() as number) - before).toBe(1);
  });

  it.each([
    ['none', { before: null }, 404, 'todo_not_found'],
    ['a', { before: 'none' }, 422, 'validation_failed'],
    ['a', { before: 5 }, 422, 'validation_failed'],
    ['a', {}, 422, 'validation_failed'],
    ['a', { before: null, after: 'x' }, 422, 'validation_failed'],
  ])('refuses to move %s by %j', async (title, body, status, code) => {
    const response = await tenant.sendJson('POST', `/todos/${ids[title] ?? title}/move`, body);
    expect([response.status, await response.json()]).toMatchObject([status, { code }]);
    expect(await titles()).toBe('abcd');
  });

  it('lasts through hundreds of moves to the same place', async () => {
    await move('c', ids.b);
    for (let i = 0; i < 130; i += 1) {
      await move(i % 2 ? 'c' : 'd', ids.b); // halves the gap above b each time
      expect(await titles()).toBe(i % 2 ? 'adcb' : 'acdb');
    }
    const generation = tenant.database.sqlite.prepare("SELECT value FROM meta WHERE key = 'order_generation'").pluck();
    expect(Number(generation.get())).toBeGreaterThan(0);
  });

  it('is one order also after moves that came at once', async () => {
    const all = ['a', 'b', 'c', 'd'];
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => move(all[i % 4] ?? '', ids[all[(i * 7 + 1) % 4] ?? ''])),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect([...(await titles())].sort().join('')).toBe('abcd');
  });

  it('is that of the pages, also when all places are numbered anew between two', async () => {
    const first = await list('?limit=2');
    for (let i = 0; i < 130; i += 1) await move(i % 2 ? 'c' : 'd', ids.b);
    expect(await titles(`?limit=2&cursor=${first.nextCursor}`)).toBe('');
    expect(await titles()).toBe('adcb'); // b, where the page ended, is the last now
  });

  it('gives the next page from where the last one ended, though its last to-do was moved away', async () => {
    const first = await list('?limit=2');
    await move('b', null);
    expect(await titles(`?cursor=${first.nextCursor}`)).toBe('cdb');
  });
});

describe('a list from before there was an order', () => {
  it('keeps the order it had', async () => {
    const dataDir = temporaryDirectory();
    const old = openSqlite(join(dataDir, DATABASE_FILE));
    migrate(old, tenantTodoMigrations.slice(0, 1));
    const insert = old.prepare("INSERT INTO todos VALUES (?, ?, ?, '', 0, 0, 0, '')");
    [1, 2, 5, 9].forEach((seq) => insert.run(seq, `id-${seq}`, `todo ${seq}`));
    old.close();
    const tenant = await startTenant({ dataDir });
    const { items } = (await (await tenant.send('/todos')).json()) as TodoPage;
    expect(items.map(({ id }) => id)).toEqual(['id-9', 'id-5', 'id-2', 'id-1']);
    await tenant.close();
    rmSync(dataDir, { recursive: true });
  });
});
