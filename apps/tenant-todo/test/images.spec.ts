import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { MAX_IMAGE_BYTES } from '../src/images/uploads';
import type { Todo } from '../src/todos/todo';
import { until } from '../../../test/support/until';
import { formWith, LARGEST_PNG, PICTURES, PNG, pngOf } from './pictures';
import { startTenant, type RunningTenant } from './running-tenant';

describe('pictures', () => {
  let tenant: RunningTenant;
  let id: string;
  beforeEach(async () => {
    tenant = await startTenant();
    id = ((await (await tenant.sendJson('POST', '/todos', { title: 'pictured' })).json()) as Todo).id;
  });
  afterEach(() => tenant.close());

  const put = (parts: Record<string, string | Buffer>, headers: Record<string, string> = {}) =>
    tenant.send(`/todos/${id}/image`, { method: 'PUT', headers, body: formWith(parts) });
  const get = (init: RequestInit = {}) => tenant.send(`/todos/${id}/image`, init);
  const bytes = async () => Buffer.from(await (await get()).arrayBuffer());
  const problemOf = async (response: Response) => {
    const problem = (await response.json()) as { code: string; errors?: { field: string }[]; detail: string };
    return { status: response.status, code: problem.code, fields: problem.errors?.map(({ field }) => field) };
  };
  const leftovers = () => readdirSync(join(tenant.dataDir, 'uploads'));
  const noLeftovers = () => until(() => leftovers().length === 0, { ms: 2000 }); // cleared away behind the answer

  it.each(Object.entries(PICTURES))(
    'of type %s are found by their bytes and come back unchanged',
    async (type, picture) => {
      const todo = (await (await put({ image: picture })).json()) as Todo;
      expect(todo.image).toEqual({
        mimeType: type,
        bytes: picture.length,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      });
      const response = await get();
      expect(Buffer.from(await response.arrayBuffer())).toEqual(picture);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': type,
        'content-length': String(picture.length),
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; sandbox",
        'content-disposition': expect.stringMatching(/^inline; filename="todo-[0-9a-f]{8}\.[a-z]+"$/) as string,
      });
      await noLeftovers();
    },
  );

  it('of PNG are taken with their signature alone in order: browsers show what they can of a damaged one', async () => {
    const damaged = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(100)]);
    const todo = (await (await put({ image: damaged })).json()) as Todo;
    expect(todo.image).toMatchObject({ mimeType: 'image/png', bytes: damaged.length });
  });

  it.each([
    '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    '<!doctype html><script>alert(1)</script>',
    '%PDF-1.7',
    'BM' + 'x'.repeat(60),
  ])('of another kind are refused whatever their name says: %s', async (text) => {
    expect(await problemOf(await put({ image: Buffer.from(text) }))).toEqual({
      status: 415,
      code: 'image_type_unsupported',
      fields: ['image'],
    });
    expect((await get()).status).toBe(404);
    await noLeftovers();
  });

  it('may have 5 MiB and not a byte more', async () => {
    expect((await put({ image: LARGEST_PNG })).status).toBe(200);
    expect((await bytes()).equals(LARGEST_PNG)).toBe(true);
    const refused = await put({ image: pngOf(MAX_IMAGE_BYTES + 1) });
    const body = (await refused.clone().json()) as { detail: string };
    expect(await problemOf(refused)).toEqual({ status: 413, code: 'image_too_large', fields: ['image'] });
    expect(body.detail).toContain('5 MB (5242880 bytes)');
    expect((await bytes()).equals(LARGEST_PNG)).toBe(true);
    await noLeftovers();
  });

  it('that are too large leave no to-do behind, and the text comes back', async () => {
    const form = formWith({ title: 'too much', description: 'kept', image: pngOf(MAX_IMAGE_BYTES + 1) });
    const refused = await tenant.send('/todos', { method: 'POST', body: form });
    expect([refused.status, await refused.json()]).toMatchObject([
      413,
      { code: 'image_too_large', input: { title: 'too much', description: 'kept' } },
    ]);
    expect(await (await tenant.send('/todos')).json()).toMatchObject({ counts: { all: 1 } });
  });

  it('far too large are refused without being read to the end, and the client sees why', async () => {
    expect((await put({ image: pngOf(40 * 1024 * 1024) })).status).toBe(413);
    await noLeftovers();
  });

  it.each<[Record<string, string | Buffer>, object]>([
    [{ image: Buffer.alloc(0) }, { status: 422, code: 'validation_failed', fields: ['image'] }],
    [{ picture: PNG }, { status: 422, code: 'validation_failed', fields: ['picture'] }],
    [
      { image: PNG, image2: PNG },
      { status: 422, code: 'validation_failed' },
    ],
    [
      { image: PNG, title: 'x' },
      { status: 422, code: 'validation_failed', fields: ['title'] },
    ],
    [{ image: 'a text' }, { status: 422, code: 'validation_failed', fields: ['image'] }],
    [{}, { status: 422, code: 'validation_failed', fields: ['image'] }],
    [
      { ...Object.fromEntries([...Array(20).keys()].map((i) => [`f${i}`, 'x'])) },
      { status: 422, code: 'validation_failed' },
    ],
  ])('in a wrong form are refused (%#)', async (parts, expected) => {
    const response =
      Object.keys(parts).length > 0
        ? await put(parts)
        : await tenant.send(`/todos/${id}/image`, {
            method: 'PUT',
            headers: { 'content-type': 'multipart/form-data; boundary=b' },
            body: '--b--\r\n',
          });
    expect(await problemOf(response)).toMatchObject(expected);
    expect((await get()).status).toBe(404);
    await noLeftovers();
  });

  it('twice in one form are refused', async () => {
    const form = formWith({ image: PNG });
    form.append('image', new Blob([new Uint8Array(PNG)]), 'b.png');
    expect(await problemOf(await tenant.send(`/todos/${id}/image`, { method: 'PUT', body: form }))).toMatchObject({
      status: 422,
      fields: ['image'],
    });
    await noLeftovers();
  });

  it('that a browser sends where none was chosen are none', async () => {
    const response = await tenant.send('/todos', {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body:
        '--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nplain\r\n' +
        '--b\r\nContent-Disposition: form-data; name="image"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--b--\r\n',
    });
    expect([response.status, await response.json()]).toMatchObject([201, { title: 'plain', image: null }]);
  });

  it.each([
    ['multipart/form-data', 'x'],
    ['multipart/form-data; boundary=b', 'no boundary in here'],
    ['multipart/form-data; boundary=b', '--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\ncut'],
  ])('in a broken form (%s) are refused', async (type, body) => {
    const response = await tenant.send(`/todos/${id}/image`, {
      method: 'PUT',
      headers: { 'content-type': type },
      body,
    });
    expect(await problemOf(response)).toMatchObject({ status: 400, code: 'multipart_malformed' });
    await noLeftovers();
  });

  it('whose client leaves half-way leave the old one and no file', async () => {
    await put({ image: PNG });
    const socket = createConnection(tenant.port, '127.0.0.1');
    socket.write(
      `PUT /todos/${id}/image HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await tenant.token()}\r\n` +
        `Content-Type: multipart/form-data; boundary=b\r\nContent-Length: ${MAX_IMAGE_BYTES}\r\n\r\n` +
        '--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n',
    );
    socket.write(pngOf(1_000_000, 2));
    await until(() => leftovers().length > 0);
    socket.destroy();
    await once(socket, 'close');
    await noLeftovers();
    expect(await bytes()).toEqual(PNG);
  });

  it('are replaced, guarded by their ETag, and answered with 304 to who has them', async () => {
    await put({ image: PNG });
    const first = await get();
    const etag = first.headers.get('etag') ?? '';
    await first.arrayBuffer();
    expect(etag).toContain(tenant.databaseId);
    const again = await get({ headers: { 'if-none-match': etag } });
    expect([again.status, (await again.arrayBuffer()).byteLength]).toEqual([304, 0]);
    const head = await get({ method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(PNG.length)]);
    expect((await put({ image: pngOf(200) }, { 'if-match': etag })).status).toBe(200);
    expect((await put({ image: pngOf(300) }, { 'if-match': etag })).status).toBe(412);
    expect((await get({ headers: { 'if-none-match': etag } })).status).toBe(200);
    expect(await bytes()).toEqual(pngOf(200));
  });

  it('are removed, again and again, and go with their to-do', async () => {
    await put({ image: PNG });
    for (let i = 0; i < 2; i += 1) {
      expect((await tenant.send(`/todos/${id}/image`, { method: 'DELETE' })).status).toBe(204);
    }
    expect(await problemOf(await get())).toMatchObject({ status: 404, code: 'image_not_found' });
    await put({ image: PNG });
    await tenant.send(`/todos/${id}`, { method: 'DELETE' });
    expect(await problemOf(await get())).toMatchObject({ status: 404, code: 'todo_not_found' });
    expect(await problemOf(await put({ image: PNG }))).toMatchObject({ status: 404, code: 'todo_not_found' });
  });
});

describe('a full storage', () => {
  it('refuses a picture, keeps what is there, and takes one again after a removal', async () => {
    const tenant = await startTenant({ env: { MAX_STORAGE_MB: '12' } });
    const post = (title: string) =>
      tenant.send('/todos', { method: 'POST', body: formWith({ title, image: LARGEST_PNG }) });
    const { id } = (await (await post('one')).json()) as Todo;
    const two = (await (await post('two')).json()) as Todo;
    const refused = await post('three');
    expect([refused.status, await refused.json()]).toMatchObject([
      507,
      { code: 'storage_full', input: { title: 'three' } },
    ]);
    expect(await (await tenant.send('/todos')).json()).toMatchObject({ counts: { all: 2 } });
    expect(
      (await tenant.send(`/todos/${id}/image`, { method: 'PUT', body: formWith({ image: LARGEST_PNG }) })).status,
    ).toBe(200);
    expect((await tenant.send(`/todos/${two.id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await post('three')).status).toBe(507); // it can still be restored, and takes its room until then
    expect((await tenant.send(`/todos/${id}/image`, { method: 'DELETE' })).status).toBe(204);
    expect((await post('three')).status).toBe(201);
    await tenant.close();
  });
});
