import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../../test/support/until';
import type { ImportOutcome } from '../src/import/import.service';
import { MAX_IMAGE_BYTES } from '../src/images/uploads';
import type { Todo, TodoPage } from '../src/todos/todo';
import { formWith, LARGEST_PNG, PNG, pngOf } from './pictures';
import { startTenant, type RunningTenant } from './running-tenant';

interface Problem {
  code: string;
  detail: string;
  errors?: { field: string; message: string }[];
}

const todoOf = (overrides: object = {}) => ({
  id: randomUUID(),
  title: 'imported',
  description: 'from elsewhere',
  completed: true,
  createdAt: '2026-01-02T03:04:05.678Z',
  updatedAt: '2026-01-03T03:04:05.678Z',
  image: null,
  ...overrides,
});
const fileOf = (...todos: unknown[]) => JSON.stringify({ format: 'todo-export', version: 1, todos });
const emptyForm = () => {
  const form = new FormData();
  form.append('note', 'no file');
  return form;
};
const imageOf = (data: Buffer, more: object = {}) => ({ data: data.toString('base64'), ...more });

describe('an import', () => {
  let tenant: RunningTenant;
  beforeEach(async () => {
    tenant = await startTenant();
  });
  afterEach(() => tenant.close());

  const post = (body: string | Uint8Array<ArrayBuffer>, query = '', headers: Record<string, string> = {}) =>
    tenant.send(`/import${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      duplex: 'half',
    });
  async function run(body: string | Uint8Array<ArrayBuffer>, query = ''): Promise<ImportOutcome> {
    const response = await post(body, query);
    expect([response.status, response.status === 200 ? '' : await response.clone().text()]).toEqual([200, '']);
    return (await response.json()) as ImportOutcome;
  }
  const postForm = (file: string | Buffer, field = 'file', query = '') => {
    const form = new FormData();
    form.append('note', 'beside it');
    form.append(field, new Blob([new Uint8Array(Buffer.from(file))], { type: 'application/json' }), 'todos.json');
    return tenant.send(`/import${query}`, { method: 'POST', body: form });
  };
  async function refused(body: string | Uint8Array<ArrayBuffer>, headers = {}): Promise<[number, Problem]> {
    const response = await post(body, '', headers);
    return [response.status, (await response.json()) as Problem];
  }
  const outcome = (created: number, updated: number, unchanged: number, stored = 0, removed = 0, dryRun = false) => ({
    dryRun,
    todos: { created, updated, unchanged },
    images: { stored, removed },
  });
  const list = async () => (await (await tenant.send('/todos')).json()) as TodoPage;
  const titles = async () => (await list()).items.map(({ title }) => title).join('');
  const add = async (title: string, image?: Buffer) => {
    const body = formWith(image ? { title, image } : { title });
    return (await (await tenant.send('/todos', { method: 'POST', body })).json()) as Todo;
  };
  const exportText = async () => (await tenant.send('/export')).text();
  const comparable = (text: string) => text.replace(/"exportedAt":"[^"]*"/, '');
  const leftovers = () => readdirSync(join(tenant.dataDir, 'uploads'));

  it('of one app into another makes the same list, and once more changes nothing', async () => {
    const other = await startTenant();
    for (const [title, image] of [
      ['c', undefined],
      ['b', PNG],
      ['a', pngOf(700_001)],
    ] as const) {
      await other.send('/todos', { method: 'POST', body: formWith(image ? { title, image } : { title }) });
    }
    const { items } = (await (await other.send('/todos')).json()) as TodoPage;
    await other.sendJson('PATCH', `/todos/${items[2]?.id}`, { completed: true, description: 'ü\n"' });
    await other.sendJson('POST', `/todos/${items[2]?.id}/move`, { before: items[1]?.id });
    const file = await (await other.send('/export')).text();
    await other.close();

    await add('mine');
    expect(await run(file, '?dryRun=1')).toEqual(outcome(3, 0, 0, 2, 0, true));
    expect(await titles()).toBe('mine');
    expect(await run(file)).toEqual(outcome(3, 0, 0, 2));
    expect(await titles()).toBe('acbmine');
    expect(await run(file)).toEqual(outcome(0, 0, 3));
    const mine = (await list()).items.at(-1)?.id ?? '';
    await tenant.send(`/todos/${mine}`, { method: 'DELETE' });
    expect(comparable(await exportText())).toBe(comparable(file));
    const picture = await tenant.send(`/todos/${items[0]?.id}/image`);
    expect(Buffer.from(await picture.arrayBuffer()).equals(pngOf(700_001))).toBe(true);
    expect(leftovers()).toEqual([]);
  });

  it('brings back what was changed, removed and deleted since, at its place, and leaves the rest alone', async () => {
    const [c, b, a] = [await add('c', PNG), await add('b'), await add('a', PNG)];
    const file = await exportText();
    await tenant.sendJson('PATCH', `/todos/${c.id}`, { title: 'changed' });
    await tenant.send(`/todos/${a.id}/image`, { method: 'DELETE' });
    await tenant.send(`/todos/${b.id}`, { method: 'DELETE' });
    await add('new');
    const expected = outcome(1, 2, 0, 1);
    expect(await run(file, '?dryRun=1')).toEqual({ ...expected, dryRun: true });
    expect(await titles()).toBe('newachanged');
    expect(await run(file)).toEqual(expected);
    expect(await titles()).toBe('newabc');
    expect((await tenant.send(`/todos/${a.id}/image`)).status).toBe(200);
    expect((await (await tenant.send('/todos?q=changed')).json()) as TodoPage).toMatchObject({ items: [] });
    expect(await run(fileOf({ ...todoOf(), id: a.id }))).toEqual(outcome(0, 1, 0, 0, 1));
  });

  it('takes a file made by hand, with the least there can be', async () => {
    const { id, title, createdAt, updatedAt } = todoOf({ title: ' tidied\nup ' });
    expect(await run(fileOf({ id, title, createdAt, updatedAt }))).toEqual(outcome(1, 0, 0));
    expect(await (await tenant.send(`/todos/${id}`)).json()).toEqual({
      id,
      title: 'tidied up',
      description: '',
      completed: false,
      createdAt,
      updatedAt,
      image: null,
    });
    expect(await run(fileOf({ id, title, createdAt, updatedAt }))).toEqual(outcome(0, 0, 1));
  });

  it.each<[string, object, string[]]>([
    ['no title', { title: ' ' }, ['title']],
    ['texts that are too long', { title: 'x'.repeat(201), description: 'x'.repeat(10_001) }, ['title', 'description']],
    ['another type', { completed: 'yes' }, ['completed']],
    ['no id of ours', { id: '../x' }, ['id']],
    ['no time', { createdAt: '2026-13-01T00:00:00Z' }, ['createdAt']],
    ['a field too many', { colour: 'red' }, ['colour']],
    ['a picture of text', { image: imageOf(Buffer.from('<svg/>')) }, ['image.data']],
    ['a picture that is not base64', { image: { data: 'AAAA*AAA' } }, ['image.data']],
    ['an empty picture', { image: { data: '' } }, ['image.data']],
    ['a picture without data', { image: {} }, ['image.data']],
    ['a picture that is a list', { image: [imageOf(PNG)] }, ['image']],
    ['a picture that changed on the way', { image: imageOf(PNG, { sha256: '0'.repeat(64) }) }, ['image.sha256']],
    ['a picture of more than 5 MB', { image: imageOf(pngOf(MAX_IMAGE_BYTES + 1)) }, ['image.data']],
  ])('with %s is refused with the place, and nothing of it stays', async (_, wrong, fields) => {
    const [status, problem] = await refused(fileOf(todoOf(), todoOf({ image: imageOf(PNG) }), todoOf(wrong)));
    expect([status, problem.code]).toEqual([422, 'validation_failed']);
    expect(problem.errors?.map(({ field }) => field)).toEqual(fields.map((field) => `todos.2.${field}`));
    expect((await list()).counts.all).toBe(0);
    await until(() => leftovers().length === 0, { ms: 2000 });
  });

  it('with one id twice is refused', async () => {
    const todo = todoOf();
    expect(await refused(fileOf(todo, todo))).toMatchObject([422, { errors: [{ field: 'todos.1.id' }] }]);
  });

  it.each<[string, string, string, string[] | undefined]>([
    ['[]', 'validation_failed', 'format', ['format']],
    ['{"format":"todo-export","version":2,"todos":[]}', 'validation_failed', 'version', ['version']],
    ['{"format":"todo-export","version":1}', 'validation_failed', 'todos', ['todos']],
    ['{"format":"todo-export","version":1,"todos":{"a":1}}', 'validation_failed', 'todos', ['todos']],
    [fileOf(null), 'validation_failed', 'todos.0', ['todos.0']],
    [fileOf([]), 'validation_failed', 'todos.0', ['todos.0']],
  ])('that is no export (%#) is refused', async (body, code, text, fields) => {
    const [status, problem] = await refused(body);
    expect([status, problem.code, problem.errors?.map(({ field }) => field)]).toEqual([422, code, fields]);
    expect(problem.detail).toContain(text);
  });

  it('that is no JSON is refused with the place where it breaks', async () => {
    const whole = fileOf(todoOf(), todoOf());
    const broken = whole.replace(/"title"(?=[^{]*$)/, '}$&');
    expect(await refused(whole.slice(0, -1))).toMatchObject([
      400,
      {
        code: 'json_malformed',
        detail: `The body ends before it is whole, at byte ${whole.length - 1}, after 2 to-dos.`,
      },
    ]);
    for (const body of ['', broken, `${whole}x`, 'title=x']) {
      const [status, problem] = await refused(body);
      expect([status, problem.code, problem.detail]).toEqual([
        400,
        'json_malformed',
        expect.stringMatching(/byte \d+, after \d to-dos\.$/),
      ]);
    }
    expect(await refused(new Uint8Array([0x7b, 0x22, 0xff]))).toMatchObject([400, { code: 'json_malformed' }]);
    expect((await list()).counts.all).toBe(0);
  });

  it('of another kind or coding is refused', async () => {
    expect(await refused('x', { 'content-type': 'text/plain' })).toMatchObject([
      415,
      { code: 'unsupported_media_type' },
    ]);
    expect((await refused(fileOf(), { 'content-encoding': 'gzip' }))[0]).toBe(415);
    expect((await post(fileOf(), '?dryRun=maybe')).status).toBe(422);
  });

  it('comes as the file of a form as well', async () => {
    const file = fileOf(todoOf({ image: imageOf(LARGEST_PNG) }), todoOf());
    const outcomes: unknown[] = [];
    for (const query of ['?dryRun=1', '', '']) {
      const response = await postForm(file, 'file', query);
      outcomes.push([response.status, await response.json()]);
    }
    const created = { todos: { created: 2, updated: 0, unchanged: 0 }, images: { stored: 1, removed: 0 } };
    expect(outcomes).toEqual([
      [200, { dryRun: true, ...created }],
      [200, { dryRun: false, ...created }],
      [200, { dryRun: false, todos: { created: 0, updated: 0, unchanged: 2 }, images: { stored: 0, removed: 0 } }],
    ]);
  });

  it.each([
    ['a file that is no JSON', 400, 'json_malformed', () => postForm('x'.repeat(3_000_000))],
    ['a file of another shape', 422, 'validation_failed', () => postForm('[]')],
    ['a file in another field', 422, 'validation_failed', () => postForm(fileOf(), 'other')],
    ['no file', 422, 'validation_failed', () => tenant.send('/import', { method: 'POST', body: emptyForm() })],
    [
      'no whole form',
      400,
      'multipart_malformed',
      () => post('--x\r\nContent-Disp', '', { 'content-type': 'multipart/form-data; boundary=x' }),
    ],
  ])('of a form is refused with %s', async (_what, status, code, send) => {
    const response = await send();
    expect([response.status, ((await response.json()) as Problem).code]).toEqual([status, code]);
    expect((await (await tenant.send('/todos')).json()) as TodoPage).toMatchObject({ counts: { all: 0 } });
    expect((await postForm(fileOf(todoOf()))).status).toBe(200); // none is held to be under way
  });

  it('with one thing that no to-do can be stops there', async () => {
    for (const endless of ['[' + '{},'.repeat(100_000), `"${'x'.repeat(9_000_000)}`]) {
      const [status, problem] = await refused(`${fileOf(todoOf()).slice(0, -2)},${endless}`);
      expect([status, problem]).toMatchObject([413, { code: 'body_too_large', errors: [{ field: 'todos.1' }] }]);
    }
  });

  it('is one at a time, and its client may leave', async () => {
    let send: ReadableStreamDefaultController<Uint8Array> | undefined;
    const slow = new ReadableStream<Uint8Array>({ start: (controller) => void (send = controller) });
    const abort = new AbortController();
    const first = tenant
      .send('/import', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: slow,
        duplex: 'half',
        signal: abort.signal,
      })
      .catch(() => 'gone');
    send?.enqueue(Buffer.from(fileOf(todoOf()).slice(0, 100)));
    await until(() => leftovers().length > 0);
    expect(await refused(fileOf(todoOf()))).toMatchObject([409, { code: 'import_running' }]);
    expect((await add('meanwhile')).title).toBe('meanwhile');
    abort.abort();
    expect(await first).toBe('gone');
    await until(async () => (await post(fileOf(todoOf()))).status === 200, { ms: 3000 });
    await until(() => leftovers().length === 0, { ms: 2000 });
  });
});

describe('an import that does not fit', () => {
  it('is refused whole: too many to-dos, counted with those that are there', async () => {
    const tenant = await startTenant({ env: { MAX_TODOS: '3' } });
    await tenant.sendJson('POST', '/todos', { title: 'there' });
    const post = (body: string, query = '') =>
      tenant.send(`/import${query}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    for (const query of ['', '?dryRun=1']) {
      for (const count of [3, 4]) {
        const response = await post(fileOf(...Array.from({ length: count }, () => todoOf())), query);
        expect([response.status, await response.json()]).toMatchObject([409, { code: 'todo_limit_reached' }]);
      }
    }
    expect(await (await tenant.send('/todos')).json()).toMatchObject({ counts: { all: 1 } });
    expect((await post(fileOf(todoOf(), todoOf()))).status).toBe(200);
    await tenant.close();
  });

  it('is refused whole: more pictures than the storage takes', async () => {
    const tenant = await startTenant({ env: { MAX_STORAGE_MB: '12' } });
    await tenant.send('/todos', { method: 'POST', body: formWith({ title: 'there', image: LARGEST_PNG }) });
    const body = fileOf(...[1, 2].map(() => todoOf({ image: imageOf(LARGEST_PNG) })));
    const response = await tenant.send('/import', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect([response.status, await response.json()]).toMatchObject([507, { code: 'storage_full' }]);
    const { counts } = (await (await tenant.send('/todos')).json()) as TodoPage;
    expect(counts.all).toBe(1);
    const tooLarge = await tenant.send('/import', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: 'x'.repeat(36 * 1024 * 1024),
    });
    expect([tooLarge.status, await tooLarge.json()]).toMatchObject([413, { code: 'body_too_large' }]);
    await tenant.close();
  });
});
