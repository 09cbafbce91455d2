import { rmSync } from 'node:fs';
import { until } from '../../../test/support/until';
import type { Todo, TodoPage } from '../src/todos/todo';
import { RESTORABLE_MS } from '../src/todos/trash';
import { formWith, PNG } from './pictures';
import { startTenant, temporaryDirectory, type RunningTenant } from './running-tenant';

describe('a deleted to-do', () => {
  let now: number;
  let dataDir: string;
  let tenant: RunningTenant;
  const start = (env = {}) => startTenant({ dataDir, env, clock: { now: () => now } });
  beforeEach(async () => {
    now = Date.now();
    dataDir = temporaryDirectory();
    tenant = await start();
  });
  afterEach(async () => {
    await tenant.close();
    rmSync(dataDir, { recursive: true });
  });

  async function send(method: string, path: string, body?: object | FormData): Promise<Response> {
    const authorization = `Bearer ${await tenant.token({ exp: Math.floor(now / 1000) + 60 })}`;
    if (body === undefined || body instanceof FormData) {
      return tenant.send(path, { method, headers: { authorization }, body });
    }
    return tenant.sendJson(method, path, body, { authorization });
  }
  const create = async (title: string) => (await (await send('POST', '/todos', { title })).json()) as Todo;
  const list = async () => (await (await send('GET', '/todos')).json()) as TodoPage;
  const titles = async () => (await list()).items.map(({ title }) => title).join('');
  const rows = () => tenant.database.sqlite.prepare('SELECT count(*) FROM todos').pluck().get();

  it('comes back for ten minutes, as it was, at its place and with its picture', async () => {
    await create('c');
    const form = formWith({ title: 'b', description: 'more', image: PNG });
    const b = (await (await send('POST', '/todos', form)).json()) as Todo;
    await create('a');
    await send('DELETE', `/todos/${b.id}`);
    now += RESTORABLE_MS - 1;
    const restored = await send('POST', `/todos/${b.id}/restore`);
    expect([restored.status, await restored.json()]).toEqual([200, b]);
    expect(await titles()).toBe('abc');
    const picture = await send('GET', `/todos/${b.id}/image`);
    expect(Buffer.from(await picture.arrayBuffer())).toEqual(PNG);
    expect((await send('POST', `/todos/${b.id}/restore`)).status).toBe(200); // sent twice
  });

  it('is nowhere until then', async () => {
    const form = formWith({ title: 'gone', image: PNG });
    const { id } = (await (await send('POST', '/todos', form)).json()) as Todo;
    const other = await create('there');
    await send('DELETE', `/todos/${id}`);
    expect(await list()).toMatchObject({ items: [{ title: 'there' }], counts: { all: 1, open: 1, done: 0 } });
    const answers = await Promise.all([
      send('GET', `/todos/${id}`),
      send('GET', `/todos/${id}/image`),
      send('PUT', `/todos/${id}/image`, formWith({ image: PNG })),
      send('DELETE', `/todos/${id}/image`),
      send('PATCH', `/todos/${id}`, { title: 'x' }),
      send('DELETE', `/todos/${id}`),
      send('POST', `/todos/${id}/move`, { before: null }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 404));
    expect((await send('POST', `/todos/${other.id}/move`, { before: id })).status).toBe(422);
  });

  it('cannot be had back after ten minutes, nor one that never was', async () => {
    const { id } = await create('late');
    await send('DELETE', `/todos/${id}`);
    now += RESTORABLE_MS;
    for (const path of [id, 'none']) {
      const response = await send('POST', `/todos/${path}/restore`);
      expect([response.status, await response.json()]).toMatchObject([404, { code: 'todo_not_found' }]);
    }
    expect((await list()).counts.all).toBe(0);
  });

  it('does not come back into a list that is full', async () => {
    await tenant.close();
    tenant = await start({ MAX_TODOS: '1' });
    const { id } = await create('first');
    await send('DELETE', `/todos/${id}`);
    const second = await create('second');
    expect((await send('POST', `/todos/${id}/restore`)).status).toBe(409);
    expect(await titles()).toBe('second');
    await send('DELETE', `/todos/${second.id}`);
    expect((await send('POST', `/todos/${id}/restore`)).status).toBe(200);
  });

  it('is removed for good after a sleep, and others are not', async () => {
    const form = formWith({ title: 'long ago', image: PNG });
    for (let i = 0; i < 25; i += 1) {
      const { id } = (await (await send('POST', '/todos', form)).json()) as Todo;
      await send('DELETE', `/todos/${id}`);
    }
    now += RESTORABLE_MS;
    const recent = await create('just now');
    await create('there');
    await send('DELETE', `/todos/${recent.id}`);
    await tenant.close();
    tenant = await start();
    expect(rows()).toBe(27); // not before the request that woke it was served
    await until(() => rows() === 2, { ms: 5000 });
    expect(tenant.database.sqlite.prepare('SELECT count(*) FROM todo_images').pluck().get()).toBe(0);
    expect((await send('POST', `/todos/${recent.id}/restore`)).status).toBe(200);
  });
});
