import { Client, form } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';
import { png } from '../support/pictures';
import { machinePid, peakMemoryMb } from '../support/processes';

const LIMIT = 5 * 1024 * 1024;

afterAll(endAll);

describe('pictures', () => {
  let plane: ControlPlane;
  let ada: Client;

  beforeAll(async () => {
    plane = await ControlPlane.start();
    ada = await Client.withApp(plane);
  });

  const put = (id: string, image: Buffer, name?: string) =>
    ada.fetch(`/api/v1/todos/${id}/image`, { method: 'PUT', body: form({}, image, name) });

  it('are taken to the last byte of 5 MB and not one more', async () => {
    const todo = await ada.add('with a picture');
    const exact = await put(todo.id, png(LIMIT));
    expect(exact.status).toBe(200);
    expect(await exact.json()).toMatchObject({ image: { mimeType: 'image/png', bytes: LIMIT } });

    const over = await put(todo.id, png(LIMIT + 1));
    expect(over.status).toBe(413);
    expect(await over.json()).toMatchObject({
      code: 'image_too_large',
      detail: expect.stringContaining('5 MB') as string,
    });
    const stored = await ada.fetch(`/todos/${todo.id}/image`);
    expect(Buffer.from(await stored.arrayBuffer()).equals(png(LIMIT))).toBe(true);
  });

  it('that are too large make no to-do either', async () => {
    const before = (await ada.todos()).counts.all;
    const response = await ada.fetch('/api/v1/todos', { method: 'POST', body: form({ title: 'x' }, png(LIMIT + 1)) });
    expect(response.status).toBe(413);
    const page = await ada.fetch('/todos?key=large', {
      method: 'POST',
      body: form({ title: 'typed' }, png(LIMIT + 1)),
    });
    expect(page.status).toBe(413);
    expect(await page.text()).toContain('5 MB');
    expect((await ada.todos()).counts.all).toBe(before);
  });

  it('far too large get the same answer, not a broken connection', async () => {
    for (const path of ['/api/v1/todos', '/todos?key=far']) {
      const response = await ada.fetch(path, { method: 'POST', body: form({ title: 'x' }, png(4 * LIMIT)) });
      expect([path, response.status]).toEqual([path, 413]);
      expect(await response.text()).toContain('5 MB');
    }
  });

  it('are known by their bytes, not by their name', async () => {
    const todo = await ada.add('with a picture');
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
    expect((await put(todo.id, svg, 'picture.png')).status).toBe(415);
    expect((await put(todo.id, Buffer.from('text'), 'picture.png')).status).toBe(415);
    expect((await put(todo.id, png(), 'evil.svg')).status).toBe(200);
    const image = await ada.fetch(`/todos/${todo.id}/image`);
    expect(image.headers.get('content-type')).toBe('image/png');
    expect(image.headers.get('x-content-type-options')).toBe('nosniff');
    expect(image.headers.get('content-security-policy')).toContain('sandbox');
    const etag = image.headers.get('etag') ?? '';
    expect((await ada.fetch(`/todos/${todo.id}/image`, { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  it('fifty of 5 MB at once leave each process under 300 MB', async () => {
    const todos = await Promise.all(Array.from({ length: 50 }, (_, i) => ada.add(`to-do ${i}`)));
    const image = png(LIMIT);
    const statuses = await Promise.all(todos.map(async ({ id }) => (await put(id, image)).status));
    expect(statuses).toEqual(todos.map(() => 200));
    const { appName } = await ada.tenant();
    for (const pid of [plane.pid, machinePid(appName) ?? 0]) {
      const peak = peakMemoryMb(pid);
      expect(peak).toBeGreaterThan(0);
      expect(peak).toBeLessThan(300);
    }
  }, 120_000);
});
