import { randomUUID } from 'node:crypto';
import sharp from 'sharp';
import { Client, form } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';
import { png } from '../support/pictures';
import { machinePid, peakMemoryMb } from '../support/processes';
import { until } from '../support/until';

interface Message {
  id: string;
  event: string;
  data: { id?: string };
}

afterAll(endAll);

describe("people's data, through the control plane", () => {
  let plane: ControlPlane;
  let ada: Client;

  beforeAll(async () => {
    plane = await ControlPlane.start();
    ada = await Client.withApp(plane);
  });

  const titles = async (client: Client) => (await client.todos()).items.map(({ title }) => title);
  const importInto = async (client: Client, body: string, query = '') => {
    const response = await client.fetch(`/api/v1/import${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      expect.stringMatching(/^application\/json/),
    ]);
    return response.json();
  };

  it('keeps its order, and brings back what was deleted with its picture', async () => {
    const c = await ada.add('c');
    const b = await ada.add('b', png(2000));
    const a = await ada.add('a');
    expect(await titles(ada)).toEqual(['a', 'b', 'c']);
    const moved = await ada.json('POST', `/api/v1/todos/${c.id}/move`, { before: a.id });
    expect(moved.status).toBe(200);
    expect(await titles(ada)).toEqual(['c', 'a', 'b']);

    expect((await ada.fetch(`/api/v1/todos/${b.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await titles(ada)).toEqual(['c', 'a']);
    expect((await ada.fetch(`/todos/${b.id}/image`)).status).toBe(404);
    const restored = await ada.fetch(`/api/v1/todos/${b.id}/restore`, { method: 'POST' });
    expect([restored.status, await restored.json()]).toEqual([200, b]);
    expect(await titles(ada)).toEqual(['c', 'a', 'b']);
    const image = await ada.fetch(`/todos/${b.id}/image`);
    expect(Buffer.from(await image.arrayBuffer()).equals(png(2000))).toBe(true);
  });

  it('shows a picture small, to its owner alone, and to who has it not again', async () => {
    const photo = await sharp({ create: { width: 4000, height: 3000, channels: 3, background: '#357' } })
      .jpeg()
      .toBuffer();
    const { id } = await ada.add('photographed', photo);
    for (const path of [`/todos/${id}/thumbnail`, `/api/v1/todos/${id}/thumbnail`]) {
      const response = await ada.fetch(path);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/webp']);
      const { width, height } = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
      expect([width, height]).toEqual([256, 192]);
      const etag = response.headers.get('etag') ?? '';
      expect((await ada.fetch(path, { headers: { 'if-none-match': etag } })).status).toBe(304);
    }
    const eve = await Client.withApp(plane);
    expect((await eve.fetch(`/todos/${id}/thumbnail`)).status).toBe(404);
  });

  it('goes from one account to another, with what would change said before', async () => {
    const file = await (await ada.fetch('/api/v1/export')).text();
    const bob = await Client.withApp(plane, 'syd');
    await bob.add("bob's own");
    const expected = { todos: { created: 4, updated: 0, unchanged: 0 }, images: { stored: 2, removed: 0 } };
    expect(await importInto(bob, file, '?dryRun=1')).toEqual({ dryRun: true, ...expected });
    expect(await titles(bob)).toEqual(["bob's own"]);
    expect(await importInto(bob, file)).toEqual({ dryRun: false, ...expected });
    expect(await titles(bob)).toEqual([...(await titles(ada)), "bob's own"]);
    expect(await importInto(bob, file)).toMatchObject({ todos: { created: 0, updated: 0, unchanged: 4 } });
    for (const { id, image } of (await bob.todos()).items.filter((todo) => todo.image)) {
      const [hers, his] = await Promise.all(
        [ada, bob].map(async (client) => Buffer.from(await (await client.fetch(`/todos/${id}/image`)).arrayBuffer())),
      );
      expect([his?.length, his?.equals(hers ?? Buffer.alloc(0))]).toEqual([image?.bytes, true]);
    }
    const refused = await bob.fetch('/api/v1/import', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: file.replace('"title":"a"', '"title":""'),
    });
    expect([refused.status, await refused.json()]).toMatchObject([
      422,
      { code: 'validation_failed', errors: [{ field: 'todos.2.title' }] },
    ]);
  });

  it('comes in by the hundred megabytes, streamed through both processes', async () => {
    const cleo = await Client.withApp(plane);
    const time = new Date().toISOString();
    const image = { data: png(5 * 1024 * 1024).toString('base64') };
    const body = `{"format":"todo-export","version":1,"todos":[${Array.from({ length: 16 }, (_, i) =>
      JSON.stringify({ id: randomUUID(), title: `large ${i}`, createdAt: time, updatedAt: time, image }),
    ).join()}]}`;
    expect(body.length).toBeGreaterThan(100_000_000);
    expect(await importInto(cleo, body)).toMatchObject({ todos: { created: 16 }, images: { stored: 16 } });
    expect((await cleo.todos()).counts.all).toBe(16);
    const { appName } = await cleo.tenant();
    for (const pid of [plane.pid, machinePid(appName) ?? 0]) {
      expect(peakMemoryMb(pid)).toBeGreaterThan(0);
      expect(peakMemoryMb(pid)).toBeLessThan(300);
    }
  }, 60_000);

  it('is also to be had as the database itself', async () => {
    const response = await ada.fetch('/api/v1/export?format=sqlite');
    expect([response.status, response.headers.get('content-disposition')]).toEqual([
      200,
      expect.stringMatching(/^attachment; filename="todos-.*\.sqlite"$/),
    ]);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(0, 15).toString()).toBe('SQLite format 3');
  });

  it('says what is used, and of how much', async () => {
    const usage = await (await ada.fetch('/api/v1/usage')).json();
    const { items, counts } = await ada.todos();
    const bytes = items.reduce((sum, { image }) => sum + (image?.bytes ?? 0), 0);
    expect(usage).toMatchObject({
      todos: { count: counts.all, limit: 10_000 },
      images: { count: 2, bytes },
      storage: { limitBytes: 500 * 1024 * 1024 },
    });
    expect((usage as { storage: { bytes: number } }).storage.bytes).toBeGreaterThan(bytes);
  });

  it('tells a second client of what the first one changes, and what it missed while it was away', async () => {
    const second = new Client(plane, ada.email);
    await second.json('POST', '/api/v1/login', { email: ada.email, password: ada.password });
    const seen = await listen(second, {}, 5, async () => {
      const { id } = await ada.add('seen elsewhere');
      await ada.json('PATCH', `/api/v1/todos/${id}`, { completed: true });
      await ada.fetch(`/api/v1/todos/${id}/image`, { method: 'PUT', body: form({}, png()) });
      await ada.fetch(`/api/v1/todos/${id}`, { method: 'DELETE' });
    });
    expect(seen.map(({ event }) => event)).toEqual(['ready', 'created', 'updated', 'updated', 'deleted']);
    const { id } = await ada.add('while nobody looked');
    const missed = await listen(second, { 'last-event-id': seen.at(-1)?.id ?? '' }, 1, () => Promise.resolve());
    expect(missed).toMatchObject([{ event: 'created', data: { id } }]);
  });

  it('is taken out, looked at and taken in on a page', async () => {
    const bob = await Client.withApp(plane);
    const gone = await bob.add('gone tomorrow', png(2000));
    const file = await (await bob.fetch('/api/v1/export')).text();
    await bob.fetch(`/api/v1/todos/${gone.id}`, { method: 'DELETE' });
    const send = async (text: string, query = '') => {
      const body = new FormData();
      body.append('file', new Blob([text], { type: 'application/json' }), 'todos.json');
      const response = await bob.fetch(`/account/data${query}`, { method: 'POST', body });
      return { status: response.status, location: response.headers.get('location'), text: await response.text() };
    };
    const page = async () => (await bob.fetch('/account/data')).text();

    expect(await page()).toMatch(/<meter id="usage-todos" min="0" max="\d+" high="\d+" value="0">0 of /);
    const preview = await send(file, '?dryRun=1');
    expect([preview.status, preview.text]).toEqual([200, expect.stringContaining('1 to-do would be added')]);
    expect((await bob.todos()).counts.all).toBe(0);

    expect(await send(file)).toMatchObject({ status: 303, location: '/account/data' });
    expect(await page()).toContain('Imported: 1 new, 0 changed, 0 unchanged');
    expect(await page()).not.toContain('Imported:');
    expect(await titles(bob)).toEqual(['gone tomorrow']);
    expect((await send(file, '?dryRun=1')).text).toContain('would change nothing');

    const refused = await send('{"todos":[{"title":""}]}');
    expect([refused.status, refused.text]).toEqual([422, expect.stringContaining('id="errors"')]);
    expect(await titles(bob)).toEqual(['gone tomorrow']);
  });

  /** What the stream says until there are `count` messages, while `act` is done. */
  async function listen(
    client: Client,
    headers: Record<string, string>,
    count: number,
    act: () => Promise<void>,
  ): Promise<Message[]> {
    const abort = new AbortController();
    const response = await client.fetch('/api/v1/events', { headers, signal: abort.signal });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    let text = '';
    const reading = (async () => {
      for await (const chunk of response.body ?? []) text += Buffer.from(chunk as Uint8Array).toString();
    })().catch(() => undefined); // ended below
    const messages = () =>
      [...text.matchAll(/id: (.*)\nevent: (.*)\ndata: (.*)\n\n/g)].map(([, id = '', event = '', data = '']) => ({
        id,
        event,
        data: JSON.parse(data) as Message['data'],
      }));
    await until(() => text.includes('retry: '));
    await act();
    await until(() => messages().length >= count, { ms: 5000 });
    abort.abort();
    await reading;
    return messages();
  }
});
