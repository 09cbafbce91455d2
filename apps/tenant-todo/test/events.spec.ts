import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../../test/support/until';
import { MAX_STREAMS } from '../src/events/event-streams';
import type { Todo, TodoPage } from '../src/todos/todo';
import { formWith, PNG } from './pictures';
import { startTenant, type RunningTenant } from './running-tenant';

interface Message {
  id: string;
  event: string;
  data: { id?: string };
}

/** Reads a stream of server-sent events as a browser does, until the test ends it. */
class Listener {
  readonly messages: Message[] = [];
  isEnded = false;
  private readonly abort = new AbortController();
  private text = '';

  static async open(tenant: RunningTenant, headers: Record<string, string> = {}): Promise<Listener> {
    const listener = new Listener();
    const response = await tenant.send('/events', { headers, signal: listener.abort.signal });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    void listener.read(response);
    await until(() => listener.text.includes('retry: '));
    return listener;
  }

  get types(): string[] {
    return this.messages.map(({ event }) => event);
  }

  close(): void {
    this.abort.abort();
  }

  private async read({ body }: Response): Promise<void> {
    try {
      for await (const chunk of body ?? []) this.take(Buffer.from(chunk as Uint8Array).toString());
    } catch {
      // the test closed it
    }
    this.isEnded = true;
  }

  private take(text: string): void {
    this.text += text;
    this.messages.length = 0;
    for (const [, id = '', event = '', data = ''] of this.text.matchAll(/id: (.*)\nevent: (.*)\ndata: (.*)\n\n/g)) {
      this.messages.push({ id, event, data: JSON.parse(data) as Message['data'] });
    }
  }
}

describe('events', () => {
  let tenant: RunningTenant;
  beforeEach(async () => {
    tenant = await startTenant();
  });
  afterEach(() => tenant.close());

  const create = async (title: string) => (await (await tenant.sendJson('POST', '/todos', { title })).json()) as Todo;

  it('tell every change once, with its to-do, after it can be read', async () => {
    const listener = await Listener.open(tenant);
    const other = await create('other');
    const body = formWith({ title: 'one', image: PNG });
    const keyed = { method: 'POST', headers: { 'idempotency-key': 'once' }, body };
    const { id } = (await (await tenant.send('/todos', keyed)).json()) as Todo;
    await tenant.send('/todos', keyed); // the same again
    await tenant.sendJson('PATCH', `/todos/${id}`, { completed: true });
    await tenant.sendJson('PATCH', `/todos/${id}`, { completed: true }); // changes nothing
    await tenant.sendJson('POST', `/todos/${id}/move`, { before: null });
    await tenant.sendJson('POST', `/todos/${id}/move`, { before: null });
    await tenant.send(`/todos/${id}/image`, { method: 'DELETE' });
    await tenant.send(`/todos/${id}/image`, { method: 'DELETE' });
    await tenant.send(`/todos/${id}/image`, { method: 'PUT', body: formWith({ image: PNG }) });
    await tenant.send(`/todos/${id}`, { method: 'DELETE' });
    await tenant.send(`/todos/${id}/restore`, { method: 'POST' });
    await tenant.send(`/todos/${id}/restore`, { method: 'POST' });
    await tenant.sendJson('POST', '/todos', { title: '' }); // refused
    const last = await create('last');
    await until(() => listener.types.length >= 10);
    expect(listener.messages.map(({ event, data }) => [event, data.id])).toEqual([
      ['ready', undefined],
      ['created', other.id],
      ['created', id],
      ['updated', id],
      ['moved', id],
      ['updated', id],
      ['updated', id],
      ['deleted', id],
      ['restored', id],
      ['created', last.id],
    ]);
    expect(new Set(listener.messages.map((message) => message.id)).size).toBe(10);
    listener.close();
  });

  it('are resumed where they broke off, and reset where that is not known', async () => {
    const first = await Listener.open(tenant);
    const a = await create('a');
    await until(() => first.types.length === 2);
    first.close();
    const b = await create('b');
    await tenant.send(`/todos/${a.id}`, { method: 'DELETE' });
    const again = await Listener.open(tenant, { 'last-event-id': first.messages[1]?.id ?? '' });
    await until(() => again.types.length === 2);
    const c = await create('c');
    await until(() => again.types.length === 3);
    expect(again.messages.map(({ event, data }) => [event, data.id])).toEqual([
      ['created', b.id],
      ['deleted', a.id],
      ['created', c.id],
    ]);
    again.close();
    const lost = await Listener.open(tenant, { 'last-event-id': '00000000-7' });
    await until(() => lost.types.length === 1);
    expect(lost.messages).toEqual([{ id: again.messages[2]?.id, event: 'reset', data: {} }]);
    lost.close();
  });

  it('tell of an import that everything has to be read anew, of a dry run and one that changes nothing not', async () => {
    const { items } = (await (await tenant.send('/todos')).json()) as TodoPage;
    expect(items).toEqual([]);
    await create('one');
    const file = await (await tenant.send('/export')).text();
    const listener = await Listener.open(tenant);
    const post = (query = '') =>
      tenant.send(`/import${query}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: file });
    await post();
    await tenant.sendJson('PATCH', `/todos/${(JSON.parse(file) as TodoExport).todos[0].id}`, { title: 'two' });
    await post('?dryRun=1');
    await post();
    await until(() => listener.types.length >= 3);
    expect(listener.types).toEqual(['ready', 'updated', 'reset']);
    listener.close();
  });

  it('end when the token expires', async () => {
    const soon = Math.ceil(Date.now() / 1000) + 1;
    const authorization = `Bearer ${await tenant.token({ exp: soon })}`;
    const listener = await Listener.open(tenant, { authorization });
    expect(listener.isEnded).toBe(false);
    await until(() => listener.isEnded, { ms: 4000 });
    expect(Date.now()).toBeGreaterThanOrEqual(soon * 1000 - 50);
    expect(tenant.logLines.join('')).not.toContain('"aborted":true');
  });

  it('go to so many at once and not one more, and a place is free again when one leaves', async () => {
    const listeners = await Promise.all(Array.from({ length: MAX_STREAMS }, () => Listener.open(tenant)));
    const refused = await tenant.send('/events');
    expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toMatchObject([
      429,
      '10',
      { code: 'too_many_streams' },
    ]);
    listeners[0]?.close();
    await sleep(50);
    listeners[0] = await Listener.open(tenant);
    await create('heard by all');
    await until(() => listeners.every(({ types }) => types.includes('created')));
    listeners.forEach((listener) => listener.close());
  });

  it('do not hold up a shutdown', async () => {
    const listener = await Listener.open(tenant);
    const before = Date.now();
    await tenant.close();
    expect(Date.now() - before).toBeLessThan(900);
    await until(() => listener.isEnded);
    tenant = await startTenant();
  });
});

interface TodoExport {
  todos: [Todo];
}
