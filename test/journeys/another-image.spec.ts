import { once } from 'node:events';
import { WebSocket } from 'ws';
import { Client } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';
import { machinePids } from '../support/processes';
import { until } from '../support/until';

interface Entry {
  id: number;
  name: string;
  text: string;
}

const ENV = { TENANT_IMAGE: 'guest-book', TENANT_PATHS: 'entries,live', IDLE_STOP_SECONDS: '2' };

afterAll(endAll);

describe("examples/guest-book in tenant-todo's place", () => {
  let plane: ControlPlane;
  let ada: Client;
  let bob: Client;

  beforeAll(async () => {
    plane = await ControlPlane.start(ENV);
    [ada, bob] = await Promise.all([Client.withApp(plane), Client.withApp(plane, 'syd')]);
  });

  const write = (client: Client, text: string) => client.json('POST', '/api/v1/entries', { name: 'a guest', text });
  const texts = async (client: Client) => {
    const response = await client.fetch('/api/v1/entries');
    expect(response.status).toBe(200);
    return ((await response.json()) as { items: Entry[] }).items.map(({ text }) => text);
  };
  const live = async (client: Client, headers: Record<string, string> = { cookie: client.cookie }) => {
    const socket = new WebSocket(`${plane.url.replace('http', 'ws')}/api/v1/live`, { headers });
    const heard: Entry[] = [];
    socket.on('message', (data: Buffer) => heard.push(JSON.parse(data.toString()) as Entry));
    socket.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    await Promise.race([once(socket, 'open'), closed.then(() => Promise.reject(new Error('not opened')))]);
    return { socket, heard, closed };
  };

  it('keeps entries, each person their own, and tells of its own errors', async () => {
    expect((await write(ada, 'what a lovely list')).status).toBe(201);
    expect([await texts(ada), await texts(bob)]).toEqual([['what a lovely list'], []]);
    const refused = await write(ada, '');
    expect([refused.status, await refused.json()]).toEqual([
      422,
      expect.objectContaining({ code: 'validation_failed', requestId: expect.any(String) as string }),
    ]);
    expect((await new Client(plane).fetch('/api/v1/entries')).status).toBe(401);
  });

  it('has none of the paths that are not in TENANT_PATHS', async () => {
    expect((await ada.fetch('/api/v1/todos')).status).toBe(404);
    expect((await ada.fetch('/api/v1/healthz')).status).toBe(404);
  });

  it('is live over WebSockets, with a session and with a token, and only for its own person', async () => {
    const made = await ada.json('POST', '/api/v1/tokens', {
      name: 'a script',
      expiresInDays: 1,
      scope: ['todos:read', 'todos:write'],
    });
    expect(made.status).toBe(201);
    const { token } = (await made.json()) as { token: string };
    const page = await live(ada);
    const script = await live(ada, { authorization: `Bearer ${token}` });
    const foreign = await live(bob);
    script.socket.send(JSON.stringify({ name: 'a script', text: 'over the socket' }));
    await until(() => page.heard.length === 1 && script.heard.length === 1, { what: 'both to hear of it' });
    expect(page.heard[0]).toMatchObject({ name: 'a script', text: 'over the socket' });
    expect(await texts(ada)).toEqual(['over the socket', 'what a lovely list']);
    expect(foreign.heard).toEqual([]);
    for (const { socket, closed } of [page, script, foreign]) {
      socket.close();
      await closed;
    }
  });

  it('stays awake while a socket is open, sleeps after it, and is woken by the next with its data', async () => {
    const open = await live(ada);
    await new Promise((resolve) => setTimeout(resolve, 5000)); // more than twice the idle time
    expect(open.socket.readyState).toBe(WebSocket.OPEN);
    expect((await ada.tenant()).regions[0]?.machineState).toBe('started');
    open.socket.close();
    await open.closed;
    await ada.asleep();
    const woken = await live(ada);
    expect(await texts(ada)).toEqual(['over the socket', 'what a lovely list']);
    woken.socket.close();
    await woken.closed;
  });

  it('ends the sockets of a session that signs out', async () => {
    const again = new Client(plane, bob.email);
    await again.json('POST', '/api/v1/login', { email: again.email, password: again.password });
    const [mine, other] = [await live(again), await live(bob)];
    expect((await again.fetch('/api/v1/logout', { method: 'POST' })).status).toBe(204);
    await mine.closed;
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
    other.socket.close();
    await other.closed;
  });

  it('shows a dashboard that says where its entries are', async () => {
    const response = await ada.fetch('/dashboard', { headers: { accept: 'text/html' } });
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('This app is a guest book: its entries are at /api/v1/entries.');
  });

  it('is deleted whole with its account, open sockets first', async () => {
    const open = await live(bob);
    const { appName } = await bob.tenant();
    expect(machinePids(appName)).toHaveLength(1);
    expect((await bob.json('DELETE', '/api/v1/me', { password: bob.password })).status).toBe(202);
    await open.closed;
    expect((await bob.fetch('/api/v1/entries')).status).toBe(401);
    await until(() => machinePids(appName).length === 0, { what: 'the end of the machine' });
    expect(await texts(ada)).toHaveLength(2);
  });

  it('comes back with its data under the next control plane', async () => {
    const open = await live(ada);
    expect(await plane.end()).toBe(0);
    await open.closed;
    plane = await ControlPlane.start(ENV, plane.dataDir);
    expect(await texts(ada.at(plane))).toEqual(['over the socket', 'what a lovely list']);
  });
});
