import { Client, form } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';
import { png } from '../support/pictures';
import { until } from '../support/until';

afterAll(endAll);

describe('the whole way of somebody with a to-do list', () => {
  it('by pages, without script: sign up, watch the steps, keep to-dos and pictures, sign out and in again', async () => {
    const plane = await ControlPlane.start();
    const ada = new Client(plane, '  Ada@Example.org ');
    expect((await ada.fetch('/dashboard', { headers: { accept: 'text/html' } })).headers.get('location')).toBe(
      '/login',
    );

    const signedUp = await ada.post('/signup', { email: ada.email, password: ada.password, region: 'fra' });
    expect([signedUp.status, signedUp.headers.get('location')]).toEqual([303, '/dashboard']);
    const ready = await until(async () => {
      const page = await ada.page('/dashboard');
      return page.includes('action="/todos?key=') && page;
    });
    const key = /action="(\/todos\?key=[^"]+)"/.exec(ready)?.[1] ?? '';

    const added = await ada.fetch(key, {
      method: 'POST',
      body: form({ title: 'Buy <milk>', description: 'two' }, png()),
    });
    expect(added.status).toBe(303);
    const again = await ada.fetch(key, {
      method: 'POST',
      body: form({ title: 'Buy <milk>', description: 'two' }, png()),
    });
    expect(again.status).toBe(303); // a form sent twice makes one to-do
    const { items, counts } = await ada.todos();
    expect(counts).toEqual({ all: 1, open: 1, done: 0 });
    const id = items[0]?.id ?? '';
    expect(await ada.page('/dashboard')).toContain('Buy &lt;milk&gt;');

    const image = await ada.fetch(`/todos/${id}/image`);
    expect([image.status, image.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(Buffer.from(await image.arrayBuffer()).equals(png())).toBe(true);

    expect((await ada.post(`/todos/${id}`, { title: 'Buy oat milk', description: '' })).status).toBe(303);
    expect((await ada.post(`/todos/${id}/toggle`, {})).status).toBe(303);
    expect(await ada.page('/dashboard?filter=open')).not.toContain('Buy oat milk');
    expect(await ada.page('/dashboard?filter=done')).toContain('Buy oat milk');

    const replaced = await ada.fetch(`/todos/${id}/image`, { method: 'POST', body: form({}, png(undefined, 1)) });
    expect(replaced.status).toBe(303);
    expect(Buffer.from(await (await ada.fetch(`/todos/${id}/image`)).arrayBuffer()).equals(png(undefined, 1))).toBe(
      true,
    );
    expect((await ada.post(`/todos/${id}/image/delete`, {})).status).toBe(303);
    expect((await ada.fetch(`/todos/${id}/image`)).status).toBe(404);

    const before = ada.cookie;
    expect((await ada.post('/logout', {})).headers.get('location')).toBe('/');
    ada.cookie = before;
    expect((await ada.fetch('/api/v1/me')).status).toBe(401);
    expect(
      (await ada.post('/login', { email: 'ada@example.ORG', password: ada.password })).headers.get('location'),
    ).toBe('/dashboard');
    expect((await ada.todos()).items.map(({ title }) => title)).toEqual(['Buy oat milk']);

    expect((await ada.post(`/todos/${id}/delete`, {})).status).toBe(303);
    expect((await ada.todos()).counts.all).toBe(0);
    expect(await ada.page('/region/fra')).toContain((await ada.tenant()).appName);
    expect(await ada.page('/region/syd')).not.toContain((await ada.tenant()).appName);
  });

  it('by the API: the five steps are told as they happen, then the list is there', async () => {
    const plane = await ControlPlane.start();
    const bob = new Client(plane);
    expect((await bob.signUp('sin')).status).toBe(201);
    const stream = await bob.fetch('/api/v1/tenant/events');
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    const text = await readUntil(stream, '"status":"active"');
    const tenant = await bob.active();
    expect(text).toMatch(/^event: (step|state)$/m);
    expect(tenant.appName).toMatch(/^todo-user-[0-9a-f]{8}$/);
    expect(tenant.id.replaceAll('-', '').slice(0, 8)).toBe(tenant.appName.slice(-8));
    expect(tenant.regions).toEqual([expect.objectContaining({ region: 'sin', role: 'primary', status: 'active' })]);

    const created = await bob.json('POST', '/api/v1/todos', { title: 'first' });
    expect(created.status).toBe(201);
    expect(await created.json()).toMatchObject({ title: 'first', description: '', completed: false, image: null });
    expect((await bob.json('POST', '/api/v1/todos', { title: '' })).status).toBe(422);
    expect((await bob.json('POST', '/api/v1/todos', { title: 'x', unknown: 1 })).status).toBe(422);
  });

  it('shows the errors of a form where they happened, with what was typed kept and the password not', async () => {
    const plane = await ControlPlane.start();
    const eve = new Client(plane);
    const refused = await eve.post('/signup', { email: 'not an address', password: 'short-é', region: 'lax' });
    const page = await refused.text();
    expect(refused.status).toBe(422);
    expect(page).toContain('value="not an address"');
    expect(page).toMatch(/<option value="lax" selected/);
    expect(page).not.toContain('short-é');

    const ada = await Client.withApp(plane);
    const long = await ada.fetch('/todos?key=k1', {
      method: 'POST',
      body: form({ title: 'x'.repeat(201), description: 'kept' }, png()),
    });
    expect(long.status).toBe(422);
    const shown = await long.text();
    expect(shown).toContain('x'.repeat(201));
    expect(shown).toContain('kept');
    const taken = await eve.post('/signup', { email: ada.email.toUpperCase(), password: 'long enough', region: 'fra' });
    expect(taken.status).toBe(409);
  });
});

/** Reads an event stream until `text` came, and closes it. */
async function readUntil(response: Response, text: string): Promise<string> {
  const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
  const decoder = new TextDecoder();
  let all = '';
  while (reader && !all.includes(text)) {
    const { done, value } = await reader.read();
    if (done) break;
    all += decoder.decode(value, { stream: true });
  }
  await reader?.cancel();
  return all;
}
