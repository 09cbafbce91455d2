import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { MAX_IMAGE_BYTES } from '../src/images/uploads';
import type { Todo, TodoPage } from '../src/todos/todo';
import { IMAGE, peakMemoryMb, startImage, type ImageProcess } from './image-process';
import { until } from '../../../test/support/until';
import { formWith, pngOf, PNG } from './pictures';
import { temporaryDirectory, tokenFor } from './running-tenant';

describe('the image of the tenant', () => {
  let dataDir: string;
  const started: ImageProcess[] = [];
  beforeEach(() => {
    dataDir = temporaryDirectory();
  });
  afterEach(async () => {
    for (const { child, exit } of started.splice(0)) {
      child.kill('SIGKILL');
      await exit;
    }
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function start(options?: Parameters<typeof startImage>[1]): Promise<ImageProcess> {
    const tenant = await startImage(dataDir, options);
    started.push(tenant);
    return tenant;
  }

  async function post(tenant: ImageProcess, title: string, image?: Buffer): Promise<Todo> {
    const response = await tenant.send('/todos', {
      method: 'POST',
      body: formWith(image ? { title, image } : { title }),
    });
    expect(response.status).toBe(201);
    return (await response.json()) as Todo;
  }

  it('starts one process a volume; a second one says why it does not', async () => {
    await start();
    await expect(start()).rejects.toThrow(/exit 1: The volume .* is in use by another process\./);
  });

  it('does not serve the volume of another tenant', async () => {
    const mine = await start();
    mine.child.kill('SIGTERM');
    await mine.exit;
    await expect(start({ env: { TENANT_ID: 'somebody-else' } })).rejects.toThrow(
      /exit 1: The volume .* belongs to the tenant/,
    );
  });

  it('names every problem of its environment and starts nothing', async () => {
    await expect(start({ env: { TENANT_ID: '', PORT: 'x' } })).rejects.toThrow(
      /exit 1: .*\n.*PORT[^]*Nothing was started/,
    );
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('finishes what runs on SIGTERM, takes nothing new, and ends with 0', async () => {
    const tenant = await start();
    const { port } = new URL(tenant.url);
    const body = JSON.stringify({ title: 'begun before the end' });
    const socket = createConnection(Number(port), '127.0.0.1');
    let answer = '';
    socket.on('data', (data: Buffer) => (answer += data.toString()));
    socket.write(
      `POST /todos HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await tokenFor(tenant.databaseId)}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    tenant.child.kill('SIGTERM');
    tenant.child.kill('SIGTERM'); // a Ctrl-C arrives twice
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect(fetch(`${tenant.url}/readyz`)).rejects.toThrow();
    socket.write(body.slice(5));
    expect(await tenant.exit).toBe(0);
    expect(answer).toMatch(/^HTTP\/1\.1 201 /);
    const { items } = (await (await (await start()).send('/todos')).json()) as { items: Todo[] };
    expect(items.map(({ title }) => title)).toEqual(['begun before the end']);
  });

  it('ends at once on SIGTERM when only idle connections are open', async () => {
    const tenant = await start();
    await tenant.send('/todos');
    const before = Date.now();
    tenant.child.kill('SIGTERM');
    expect(await tenant.exit).toBe(0);
    expect(Date.now() - before).toBeLessThan(2000);
  });

  it('killed in mid-upload has the old picture and every acknowledged to-do, and clears the rest away', async () => {
    const tenant = await start();
    const { id } = await post(tenant, 'pictured', PNG);
    const { port } = new URL(tenant.url);
    const socket = createConnection(Number(port), '127.0.0.1').on('error', () => undefined);
    socket.write(
      `PUT /todos/${id}/image HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await tokenFor(tenant.databaseId)}\r\n` +
        `Content-Type: multipart/form-data; boundary=b\r\nContent-Length: ${MAX_IMAGE_BYTES}\r\n\r\n` +
        '--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n',
    );
    socket.write(pngOf(2_000_000));
    await until(() => readdirSync(join(dataDir, 'uploads')).length > 0);
    const titles: string[] = [];
    const writing = (async () => {
      for (let i = 0; ; i += 1) titles.unshift((await post(tenant, `todo ${i}`)).title);
    })().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 300));
    tenant.child.kill('SIGKILL');
    await Promise.all([tenant.exit, writing, once(socket, 'close')]);

    const again = await start();
    expect(again.databaseId).toBe(tenant.databaseId);
    const picture = Buffer.from(await (await again.send(`/todos/${id}/image`)).arrayBuffer());
    expect(picture).toEqual(PNG);
    expect(readdirSync(join(dataDir, 'uploads'))).toEqual([]);
    const { items } = (await (await again.send('/todos?limit=200')).json()) as { items: Todo[] };
    expect(titles.length).toBeGreaterThan(3);
    expect(items.map(({ title }) => title)).toEqual(expect.arrayContaining(titles.slice(0, 150)));
  });

  it('takes fifty pictures of 5 MB at once, and exports them, in less than 300 MB', async () => {
    const tenant = await start();
    const upload = async (i: number) => {
      const head = `--b\r\nContent-Disposition: form-data; name="title"\r\n\r\npicture ${i}\r\n--b\r\n`;
      const file = 'Content-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n';
      const response = await tenant.send('/todos', {
        method: 'POST',
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
        body: Buffer.concat([Buffer.from(head + file), pngOf(MAX_IMAGE_BYTES, i), Buffer.from('\r\n--b--\r\n')]),
      });
      expect(response.status).toBe(201);
      return (await response.json()) as Todo;
    };
    const todos = await Promise.all(Array.from({ length: 50 }, (_, i) => upload(i)));
    expect(new Set(todos.map(({ image }) => image?.sha256)).size).toBe(50);
    expect(peakMemoryMb(tenant.child)).toBeLessThan(300);
    const read = await Promise.all(
      todos.map(async ({ id }) => (await tenant.send(`/todos/${id}/image`)).arrayBuffer()),
    );
    expect(read.every(({ byteLength }) => byteLength === MAX_IMAGE_BYTES)).toBe(true);
    for (const path of ['/export', '/export?format=sqlite']) {
      expect(await bytesOf(await tenant.send(path))).toBeGreaterThan(50 * MAX_IMAGE_BYTES);
    }
    expect(peakMemoryMb(tenant.child)).toBeLessThan(300);
  }, 60_000);

  it('makes the thumbnails of fifty pictures of 5 MB asked for at once in less than 300 MB', async () => {
    const tenant = await start();
    const picture = await sharp({
      create: {
        width: 1900,
        height: 1000,
        channels: 3,
        background: '#000',
        noise: { type: 'gaussian', mean: 128, sigma: 90 },
      },
    })
      .png({ compressionLevel: 0 })
      .toBuffer();
    const ids: string[] = [];
    for (let i = 0; i < 50; i += 1) {
      const shade = Buffer.from(picture.subarray(0, MAX_IMAGE_BYTES));
      ids.push((await post(tenant, `picture ${i}`, shade)).id);
    }
    const started = performance.now();
    const types = await Promise.all(
      ids.map(async (id) => {
        const response = await tenant.send(`/todos/${id}/thumbnail`);
        expect((await response.arrayBuffer()).byteLength).toBeLessThan(50_000);
        return response.headers.get('content-type');
      }),
    );
    expect(types).toEqual(ids.map(() => 'image/webp'));
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(peakMemoryMb(tenant.child)).toBeLessThan(300);
  }, 60_000);

  it('imports 200 MB in less than 300 MB, and answers others meanwhile', async () => {
    const tenant = await start();
    const ids = Array.from({ length: 30 }, () => randomUUID());
    const time = new Date().toISOString();
    function* file(): Generator<Uint8Array> {
      yield Buffer.from('{"format":"todo-export","version":1,"todos":[');
      for (const [i, id] of ids.entries()) {
        const image = { data: pngOf(MAX_IMAGE_BYTES, i).toString('base64') };
        const todo = { id, title: `picture ${i}`, createdAt: time, updatedAt: time, image };
        const text = (i > 0 ? ',' : '') + JSON.stringify(todo);
        for (let at = 0; at < text.length; at += 65_536) yield Buffer.from(text.slice(at, at + 65_536));
      }
      yield Buffer.from(']}');
    }
    const importOnce = async (): Promise<unknown> => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, duplex: 'half' };
      const response = await tenant.send('/import', { ...init, body: ReadableStream.from(file()) } as RequestInit);
      return response.json();
    };
    let isDone = false;
    let answered = 0;
    const meanwhile = (async () => {
      for (; !isDone; answered += 1) {
        const { counts } = (await (await tenant.send('/todos')).json()) as TodoPage;
        expect([0, 30]).toContain(counts.all); // all or nothing, at every moment
      }
    })();
    expect(await importOnce()).toMatchObject({ todos: { created: 30 }, images: { stored: 30 } });
    isDone = true;
    await meanwhile;
    expect(answered).toBeGreaterThan(10);
    expect(peakMemoryMb(tenant.child)).toBeLessThan(300);
    expect(await importOnce()).toMatchObject({ todos: { created: 0, unchanged: 30 }, images: { stored: 0 } });
    expect(peakMemoryMb(tenant.child)).toBeLessThan(300);
  }, 60_000);

  it('killed in mid-import has nothing of it, and clears the rest away', async () => {
    const tenant = await start();
    await post(tenant, 'there');
    const time = new Date().toISOString();
    const todo = { id: randomUUID(), title: 'half', createdAt: time, updatedAt: time };
    const endless = async function* () {
      yield Buffer.from(`{"format":"todo-export","version":1,"todos":[${JSON.stringify(todo)}`);
      await new Promise(() => undefined);
    };
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, duplex: 'half' };
    const importing = tenant.send('/import', { ...init, body: ReadableStream.from(endless()) } as RequestInit);
    const failed = importing.then(() => 'answered').catch(() => 'broken off');
    await until(() => readdirSync(join(dataDir, 'uploads')).length > 0);
    tenant.child.kill('SIGKILL');
    expect(await failed).toBe('broken off');
    const again = await start();
    expect(readdirSync(join(dataDir, 'uploads'))).toEqual([]);
    expect(((await (await again.send('/todos')).json()) as TodoPage).items.map(({ title }) => title)).toEqual([
      'there',
    ]);
  });

  it('loads what makes thumbnails when the first is asked for, not before', async () => {
    const tenant = await start();
    const { id } = await post(tenant, 'pictured', PNG);
    await tenant.send(`/todos/${id}/image`);
    const maps = () => readFileSync(`/proc/${tenant.child.pid}/maps`, 'utf8');
    expect(maps()).not.toContain('libvips');
    expect((await tenant.send(`/todos/${id}/thumbnail`)).status).toBe(200);
    expect(maps()).toContain('libvips');
  });

  it('runs the code that is there, also beside cached data of other code or none', async () => {
    const image = join(dataDir, 'image');
    cpSync(IMAGE, image, { recursive: true });
    symlinkSync(join(__dirname, '../../../node_modules'), join(dataDir, 'node_modules'));
    const [cache] = readdirSync(image).filter((name) => name.endsWith('.cache'));
    expect(cache).toBeDefined();
    const bundle = readFileSync(join(image, 'main.js'), 'latin1');
    const changed = bundle.replace('There is no such to-do.', 'THERE IS NO SUCH TO-DO.'); // of the same length
    expect(changed).not.toBe(bundle);
    writeFileSync(join(image, 'main.js'), changed, 'latin1');

    const tenant = await startImage(join(dataDir, 'data'), { image });
    started.push(tenant);
    expect(await (await tenant.send('/todos/none')).text()).toContain('THERE IS NO SUCH TO-DO.');
    expect(existsSync(join(image, cache ?? ''))).toBe(true);
  });
});

async function bytesOf({ body }: Response): Promise<number> {
  let bytes = 0;
  for await (const chunk of body ?? []) bytes += (chunk as Uint8Array).length;
  return bytes;
}
