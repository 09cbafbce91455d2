import Database from 'better-sqlite3';
import { once } from 'node:events';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { until } from '../../../test/support/until';
import type { Todo } from '../src/todos/todo';
import { formWith, LARGEST_PNG, PNG, pngOf } from './pictures';
import { startTenant, temporaryDirectory, type RunningTenant } from './running-tenant';

interface Exported {
  format: string;
  version: number;
  exportedAt: string;
  todos: (Todo & { image: null | { data: string } })[];
}

describe('an export', () => {
  let tenant: RunningTenant;
  beforeEach(async () => {
    tenant = await startTenant();
  });
  afterEach(() => tenant.close());

  async function add(title: string, image?: Buffer): Promise<Todo> {
    const body = formWith(image ? { title, image } : { title, description: 'ü "quoted"\nlines' });
    return (await (await tenant.send('/todos', { method: 'POST', body })).json()) as Todo;
  }
  const exported = async () => (await (await tenant.send('/export')).json()) as Exported;
  const leftovers = () => readdirSync(join(tenant.dataDir, 'uploads'));

  it('as JSON has everything, in order, pictures in base64', async () => {
    const plain = await add('plain');
    const pictured = await add('pictured', PNG);
    const large = await add('large', pngOf(1_234_567, 7));
    await tenant.sendJson('PATCH', `/todos/${plain.id}`, { completed: true });
    await tenant.sendJson('POST', `/todos/${plain.id}/move`, { before: large.id });
    const { todos, ...head } = await exported();
    expect(head).toEqual({
      format: 'todo-export',
      version: 1,
      exportedAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
    expect(todos.map(({ title }) => title)).toEqual(['plain', 'large', 'pictured']);
    expect(todos[0]).toMatchObject({ completed: true, description: 'ü "quoted"\nlines', image: null });
    expect(todos[2]).toEqual({ ...pictured, image: { ...pictured.image, data: PNG.toString('base64') } });
    expect(Buffer.from(todos[1]?.image?.data ?? '', 'base64').equals(pngOf(1_234_567, 7))).toBe(true);
  });

  it('is a download of its own name and type, and one of nothing is whole too', async () => {
    const response = await tenant.send('/export');
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="todos-\d{4}-\d\d-\d\d\.json"$/);
    expect(((await response.json()) as Exported).todos).toEqual([]);
    const head = await tenant.send('/export?format=sqlite', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'application/vnd.sqlite3']);
    const refused = await tenant.send('/export?format=csv');
    expect([refused.status, await refused.json()]).toMatchObject([422, { errors: [{ field: 'format' }] }]);
  });

  it('has nothing of what was deleted', async () => {
    const { id } = await add('a secret title', PNG);
    await add('there');
    await tenant.send(`/todos/${id}`, { method: 'DELETE' });
    expect((await exported()).todos.map(({ title }) => title)).toEqual(['there']);
  });

  it('goes on when a to-do is deleted under it, and has the changes to those that come later', async () => {
    const last = await add('last');
    const doomed = await add('doomed');
    for (let i = 0; i < 8; i += 1) await add('in between', LARGEST_PNG);
    const request = get(`${tenant.url}/export`, { headers: { authorization: `Bearer ${await tenant.token()}` } });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.pause(); // 53 MB do not fit into the buffers on the way
    await tenant.send(`/todos/${doomed.id}`, { method: 'DELETE' });
    await tenant.sendJson('PATCH', `/todos/${last.id}`, { title: 'changed meanwhile' });
    const { todos } = JSON.parse(Buffer.concat((await response.toArray()) as Buffer[]).toString()) as Exported;
    expect(todos.map(({ title }) => title).filter((title) => title !== 'in between')).toEqual(['changed meanwhile']);
  });

  it('as SQLite is a whole database, without leftovers of what was deleted or asked', async () => {
    const secret = 'a secret that was deleted';
    const { id } = await add(secret, pngOf(50_000, 0xab));
    await tenant.sendJson('POST', '/todos', { title: 'asked with a key' }, { 'idempotency-key': 'key-of-mine' });
    const kept = await add('kept', pngOf(100_000, 0xcd));
    await tenant.sendJson('PATCH', `/todos/${kept.id}`, { title: 'kept and changed' });
    const early = await add('another secret');
    await tenant.send(`/todos/${id}`, { method: 'DELETE' });
    tenant.database.sqlite.prepare('DELETE FROM todos WHERE id = ?').run(early.id); // its bytes stay in a free page

    const response = await tenant.send('/export?format=sqlite');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(response.headers.get('content-length')).toBe(String(bytes.length));
    for (const text of [secret, 'another secret', 'key-of-mine', Buffer.alloc(1000, 0xab)]) {
      expect(bytes.includes(text)).toBe(false);
    }
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'copy.sqlite'), bytes);
    const copy = new Database(join(directory, 'copy.sqlite'));
    expect(copy.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(copy.prepare('SELECT title FROM todos ORDER BY position').pluck().all()).toEqual([
      'asked with a key',
      'kept and changed',
    ]);
    expect(copy.prepare('SELECT count(*) FROM todo_images').pluck().get()).toBe(1);
    copy.close();
    rmSync(directory, { recursive: true });
    await until(() => leftovers().length === 0, { ms: 2000 });
    expect((await tenant.send('/todos')).status).toBe(200);
  });

  it('whose reader left half-way leaves no file, and others get theirs', async () => {
    for (let i = 0; i < 4; i += 1) await add('pictured', LARGEST_PNG);
    for (const path of ['/export', '/export?format=sqlite', '/export', '/export?format=sqlite']) {
      const abort = new AbortController();
      const response = await tenant.send(path, { signal: abort.signal });
      await response.body?.getReader().read();
      abort.abort();
    }
    const early = get(`${tenant.url}/export?format=sqlite`, {
      headers: { authorization: `Bearer ${await tenant.token()}` },
    }).on('error', () => undefined);
    await until(() => leftovers().length > 0);
    early.destroy(); // while the copy is being made
    expect((await exported()).todos).toHaveLength(4);
    await until(() => leftovers().length === 0, { ms: 2000 });
    expect(tenant.logLines.join('')).not.toContain('request.failed');
  });
});
