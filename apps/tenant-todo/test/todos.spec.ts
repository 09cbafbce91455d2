import type { Todo, TodoPage } from '../src/todos/todo';
import { KEPT_MS } from '../src/todos/idempotency';
import { formWith, PNG } from './pictures';
import { startTenant, type RunningTenant } from './running-tenant';

interface Problem {
  code: string;
  errors?: { field: string; message: string }[];
  input?: unknown;
}

describe('to-dos', () => {
  let tenant: RunningTenant;
  beforeEach(async () => {
    tenant = await startTenant();
  });
  afterEach(() => tenant.close());

  const create = async (title: string, description?: string): Promise<Todo> => {
    const response = await tenant.sendJson('POST', '/todos', { title, description });
    expect(response.status).toBe(201);
    return (await response.json()) as Todo;
  };
  const list = async (query = ''): Promise<TodoPage> =>
    (await (await tenant.send(`/todos${query}`)).json()) as TodoPage;
  const titles = ({ items }: TodoPage) => items.map(({ title }) => title);
  const problemOf = async (response: Response) => ({
    status: response.status,
    ...((await response.json()) as Problem),
  });

  it('are made, read, changed and deleted', async () => {
    const todo = await create('  Buy milk ', 'two\r\nbottles');
    expect(todo).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      title: 'Buy milk',
      description: 'two\nbottles',
      completed: false,
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      updatedAt: todo.createdAt,
      image: null,
    });
    const changed = (await (await tenant.sendJson('PATCH', `/todos/${todo.id}`, { completed: true })).json()) as Todo;
    expect(changed).toMatchObject({ title: 'Buy milk', description: 'two\nbottles', completed: true });
    expect(await (await tenant.send(`/todos/${todo.id}`)).json()).toEqual(changed);
    expect((await tenant.send(`/todos/${todo.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await problemOf(await tenant.send(`/todos/${todo.id}`))).toMatchObject({
      status: 404,
      code: 'todo_not_found',
    });
    expect((await list()).counts).toEqual({ all: 0, open: 0, done: 0 });
  });

  it('are listed newest first, by filter, with counts of the whole list', async () => {
    const first = await create('first');
    await create('second');
    await tenant.sendJson('PATCH', `/todos/${first.id}`, { completed: true });
    expect(titles(await list())).toEqual(['second', 'first']);
    expect(titles(await list('?filter=open'))).toEqual(['second']);
    expect(await list('?filter=done')).toMatchObject({
      items: [{ title: 'first' }],
      counts: { all: 2, open: 1, done: 1 },
    });
  });

  it('are found in title and description whatever the case, and wildcards mean themselves', async () => {
    await create('Äpfel ÖRTLICH kaufen');
    await create('100 % sicher', 'under_score');
    await create('Straße', 'ΟΔΟΣ');
    expect(titles(await list(`?q=${encodeURIComponent('äPFEL örtlich')}`))).toEqual(['Äpfel ÖRTLICH kaufen']);
    expect(titles(await list(`?q=${encodeURIComponent('A\u0308pfel')}`))).toHaveLength(1); // written as two code points
    expect(titles(await list('?q=STRASSE'))).toEqual(['Straße']);
    expect(titles(await list(`?q=${encodeURIComponent('οδος')}`))).toEqual(['Straße']);
    expect(titles(await list('?q=%25'))).toEqual(['100 % sicher']);
    expect(titles(await list('?q=R_S'))).toEqual(['100 % sicher']);
    expect(titles(await list('?q=1_0'))).toEqual([]);
    expect(titles(await list('?q=%20'))).toHaveLength(3);
  });

  it('come page by page, each once, while others are added and removed', async () => {
    for (let i = 1; i <= 7; i += 1) await create(`todo ${i}`);
    const seen: string[] = [];
    let page = await list('?limit=3');
    seen.push(...titles(page));
    await create('added meanwhile');
    await tenant.send(`/todos/${page.items.at(-1)?.id}`, { method: 'DELETE' });
    for (let i = 0; page.nextCursor && i < 10; i += 1) {
      page = await list(`?limit=3&cursor=${page.nextCursor}`);
      seen.push(...titles(page));
    }
    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1].map((i) => `todo ${i}`));
    expect(page.nextCursor).toBeNull();
  });

  it.each(['x', 'YmVsb3c6MA', 'YmVsb3c6MQ==', encodeURIComponent(Buffer.from("below:1' OR 1").toString('base64'))])(
    'refuse the cursor %p',
    async (cursor) => {
      expect(await problemOf(await tenant.send(`/todos?cursor=${cursor}`))).toMatchObject({
        status: 400,
        code: 'cursor_invalid',
      });
    },
  );

  it.each(['filter=some', 'limit=0', 'limit=201', 'limit=x', 'filter=open&filter=done', 'q=a&q=b', 'page=2'])(
    'refuse the query %p',
    async (query) => {
      const problem = await problemOf(await tenant.send(`/todos?${query}`));
      expect(problem).toMatchObject({
        status: 422,
        code: 'validation_failed',
        errors: [{ field: query.split('=')[0] }],
      });
    },
  );

  it.each([
    [{}, ['title']],
    [{ title: ' \u200b\n ' }, ['title']],
    [{ title: 5, description: [] }, ['title', 'description']],
    [{ title: 'a', completed: true, id: 'x' }, ['completed', 'id']],
    [{ title: 'nul\u0000' }, ['title']],
    [{ title: 'half \ud83d emoji' }, ['title']],
    [{ title: 'a', description: 'd'.repeat(10_001) }, ['description']],
    [['a'], ['0', 'title']],
  ])('refuse %j by field', async (body, fields) => {
    const problem = await problemOf(await tenant.sendJson('POST', '/todos', body));
    expect(problem).toMatchObject({ status: 422, code: 'validation_failed' });
    expect(problem.errors?.map(({ field }) => field)).toEqual(fields);
    expect((await list()).counts.all).toBe(0);
  });

  it('take a title of 200 characters as a person counts them, and not one more', async () => {
    const family = '👩‍👩‍👧‍👦';
    expect((await create(family.repeat(200))).title).toBe(family.repeat(200));
    const problem = await problemOf(await tenant.sendJson('POST', '/todos', { title: family.repeat(201) }));
    expect(problem).toMatchObject({ status: 422, input: { title: family.repeat(201) } });
    expect((await tenant.sendJson('POST', '/todos', { title: 'a' + '\u0301'.repeat(5000) })).status).toBe(422);
  });

  it('give back what was typed when it is refused, from JSON and from a form', async () => {
    const typed = { title: ' ', description: 'kept' };
    expect(await problemOf(await tenant.sendJson('POST', '/todos', typed))).toMatchObject({
      status: 422,
      input: typed,
    });
    const form = { method: 'POST', body: formWith({ ...typed, image: PNG }) };
    expect(await problemOf(await tenant.send('/todos', form))).toMatchObject({ status: 422, input: typed });
  });

  it('refuse bodies that are no JSON, too long, or of another kind', async () => {
    const post = async (body: string | Uint8Array<ArrayBuffer>, type: string, extra: Record<string, string> = {}) => {
      const response = await tenant.send('/todos', {
        method: 'POST',
        headers: { 'content-type': type, ...extra },
        body,
      });
      return problemOf(response);
    };
    expect(await post('{"title":', 'application/json')).toMatchObject({ status: 400, code: 'json_malformed' });
    expect(await post(new Uint8Array([0x22, 0xff, 0x22]), 'application/json')).toMatchObject({ status: 400 });
    expect(await post('"text"', 'application/json')).toMatchObject({ status: 422 });
    expect(await post('x'.repeat(600_000), 'application/json')).toMatchObject({ status: 413, code: 'body_too_large' });
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/json; charset=latin1']) {
      expect(await post('title=a', type)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
    }
    expect(await post('{}', 'application/json', { 'content-encoding': 'gzip' })).toMatchObject({ status: 415 });
    expect((await tenant.send('/todos', { method: 'POST' })).status).toBe(415);
    expect((await tenant.sendJson('PUT', '/todos', {})).status).toBe(404);
  });

  it('refuse a change that was made on an old reading', async () => {
    const { id } = await create('contested');
    const etag = (await tenant.send(`/todos/${id}`)).headers.get('etag') ?? '';
    const patch = (body: object, ifMatch: string) =>
      tenant.sendJson('PATCH', `/todos/${id}`, body, { 'if-match': ifMatch });
    const won = await patch({ title: 'mine' }, etag);
    expect(won.status).toBe(200);
    expect(won.headers.get('etag')).not.toBe(etag);
    expect(await problemOf(await patch({ title: 'theirs' }, etag))).toMatchObject({
      status: 412,
      code: 'precondition_failed',
    });
    expect((await tenant.send(`/todos/${id}`, { method: 'DELETE', headers: { 'if-match': etag } })).status).toBe(412);
    expect((await patch({ completed: true }, `"other", ${won.headers.get('etag')}`)).status).toBe(200);
    const current = (await patch({ title: 'any' }, '*')).headers.get('etag') ?? '';
    expect((await patch({ title: 'weak' }, `W/${current}`)).status).toBe(412);
    expect((await patch({ title: 'strong' }, current)).status).toBe(200);
  });

  it('answer 304 to who has the list or the to-do, with ETags that name the database', async () => {
    const { id } = await create('read twice');
    for (const path of ['/todos', `/todos/${id}`]) {
      const first = await tenant.send(path);
      const etag = first.headers.get('etag') ?? '';
      expect(etag).toContain(tenant.databaseId);
      expect(first.headers.get('cache-control')).toBe('private, no-cache');
      const again = await tenant.send(path, { headers: { 'if-none-match': etag } });
      expect([again.status, await again.text()]).toEqual([304, '']);
      await tenant.sendJson('PATCH', `/todos/${id}`, { title: `${path} changed` });
      expect((await tenant.send(path, { headers: { 'if-none-match': etag } })).status).toBe(200);
    }
  });

  it('leave the time of the last change alone when nothing changes', async () => {
    const todo = await create('same');
    expect(await (await tenant.sendJson('PATCH', `/todos/${todo.id}`, {})).json()).toEqual(todo);
    expect(await (await tenant.sendJson('PATCH', `/todos/${todo.id}`, { title: 'same' })).json()).toEqual(todo);
  });
});

describe('a request that is sent again', () => {
  let now: number;
  let tenant: RunningTenant;
  beforeEach(async () => {
    now = Date.now();
    tenant = await startTenant({ clock: { now: () => now } });
  });
  afterEach(() => tenant.close());

  const post = (body: unknown, key: string) => tenant.sendJson('POST', '/todos', body, { 'idempotency-key': key });
  const count = async () => ((await (await tenant.send('/todos')).json()) as TodoPage).counts.all;

  it('makes one to-do and gets the same answer, also when both come at once', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => post({ title: 'once' }, 'key-1')));
    const bodies = await Promise.all(answers.map((answer) => answer.text()));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(bodies).size).toBe(1);
    await tenant.sendJson('PATCH', `/todos/${(JSON.parse(bodies[0] ?? '') as Todo).id}`, { title: 'changed since' });
    expect(await (await post({ title: ' once ' }, 'key-1')).text()).toBe(bodies[0]);
    expect(await count()).toBe(1);
  });

  it('makes one to-do with its picture from a form that two clicks sent', async () => {
    const send = () =>
      tenant.send('/todos', {
        method: 'POST',
        headers: { 'idempotency-key': 'form-1' },
        body: formWith({ title: 'with a picture', image: PNG }),
      });
    const [one, two] = await Promise.all([send(), send()]);
    expect(await one.json()).toEqual(await two.json());
    expect(await count()).toBe(1);
  });

  it('is refused when the key came with other content, and when it is no key', async () => {
    await post({ title: 'one' }, 'key-1');
    const reused = await post({ title: 'two' }, 'key-1');
    expect([reused.status, ((await reused.json()) as { code: string }).code]).toEqual([422, 'idempotency_key_reused']);
    const invalid = await post({ title: 'two' }, 'k'.repeat(256));
    expect([invalid.status, ((await invalid.json()) as { code: string }).code]).toEqual([
      400,
      'idempotency_key_invalid',
    ]);
    expect(await count()).toBe(1);
  });

  it('may be put right under the same key after it was refused', async () => {
    expect((await post({ title: '' }, 'key-1')).status).toBe(422);
    expect((await post({ title: 'now with a title' }, 'key-1')).status).toBe(201);
  });

  it('is a new one a day later, and old keys are gone', async () => {
    await post({ title: 'one' }, 'key-1');
    now += KEPT_MS + 1;
    const token = await tenant.token({ exp: Math.floor(now / 1000) + 60 });
    await tenant.sendJson(
      'POST',
      '/todos',
      { title: 'two' },
      { 'idempotency-key': 'key-1', authorization: `Bearer ${token}` },
    );
    const rows = tenant.database.sqlite.prepare('SELECT count(*) FROM idempotency_keys').pluck();
    expect(rows.get()).toBe(1);
    expect(tenant.database.sqlite.prepare('SELECT count(*) FROM todos').pluck().get()).toBe(2);
  });
});

describe('a full list', () => {
  it('takes no more to-dos than its limit, and says so', async () => {
    const tenant = await startTenant({ env: { MAX_TODOS: '2' } });
    for (const title of ['one', 'two']) expect((await tenant.sendJson('POST', '/todos', { title })).status).toBe(201);
    const refused = await tenant.sendJson('POST', '/todos', { title: 'three' });
    expect([refused.status, await refused.json()]).toMatchObject([
      409,
      { code: 'todo_limit_reached', input: { title: 'three' } },
    ]);
    await tenant.close();
  });
});
