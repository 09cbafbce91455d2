import sharp from 'sharp';
import type { Todo } from '../src/todos/todo';
import { formWith, LARGEST_PNG, PICTURES, PNG } from './pictures';
import { startTenant, type RunningTenant } from './running-tenant';

const plain = (width: number, height: number, background = '#3366cc') =>
  sharp({ create: { width, height, channels: 3, background }, limitInputPixels: false });

describe('a thumbnail', () => {
  let tenant: RunningTenant;
  beforeEach(async () => {
    tenant = await startTenant();
  });
  afterEach(() => tenant.close());

  async function add(image: Buffer): Promise<string> {
    const response = await tenant.send('/todos', { method: 'POST', body: formWith({ title: 'pictured', image }) });
    expect(response.status).toBe(201);
    return ((await response.json()) as Todo).id;
  }
  const get = (id: string, init: RequestInit = {}) => tenant.send(`/todos/${id}/thumbnail`, init);
  const bytes = async (response: Response) => Buffer.from(await response.arrayBuffer());
  const kept = () =>
    tenant.database.sqlite.prepare<[], number>('SELECT count(*) FROM todo_thumbnails').pluck().get() ?? 0;

  it.each([
    ['jpeg', plain(1200, 600).jpeg(), [256, 128]],
    ['png', plain(100, 700).png(), [37, 256]],
    ['webp', plain(600, 600).webp(), [256, 256]],
    ['avif', plain(512, 300).avif({ effort: 0 }), [256, 150]],
    ['small gif', plain(40, 30).gif(), [40, 30]],
  ])('of a %s is a WebP that fits 256 px', async (_, picture, size) => {
    const response = await get(await add(await picture.toBuffer()));
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/webp']);
    const thumbnail = await bytes(response);
    expect(response.headers.get('content-length')).toBe(String(thumbnail.length));
    const { format, width, height } = await sharp(thumbnail).metadata();
    expect([format, width, height]).toEqual(['webp', ...size]);
  });

  it('stands upright where the camera was turned, and tells nothing of where it was', async () => {
    const picture = await plain(400, 200)
      .withExif({ IFD3: { GPSLatitudeRef: 'N' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const thumbnail = await sharp(await bytes(await get(await add(picture)))).metadata();
    expect([thumbnail.width, thumbnail.height, thumbnail.exif]).toEqual([128, 256, undefined]);
  });

  it('of an animated picture is its first frame', async () => {
    const frames = await Promise.all(['#ff0000', '#0000ff'].map((colour) => plain(32, 32, colour).png().toBuffer()));
    const animated = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    expect((await sharp(animated, { animated: true }).metadata()).pages).toBe(2);
    const thumbnail = sharp(await bytes(await get(await add(animated))));
    expect((await thumbnail.metadata()).pages ?? 1).toBe(1);
    const [red, , blue] = (await thumbnail.stats()).channels;
    expect(red?.mean).toBeGreaterThan(200);
    expect(blue?.mean).toBeLessThan(50);
  });

  it('is made once, kept, and goes with its picture', async () => {
    const id = await add(await plain(300, 300).png().toBuffer());
    const [one, two] = await Promise.all([get(id), get(id)]);
    expect(await bytes(one)).toEqual(await bytes(two));
    expect(kept()).toBe(1);
    const second = await plain(300, 100).png().toBuffer();
    await tenant.send(`/todos/${id}/image`, { method: 'PUT', body: formWith({ image: second }) });
    expect((await sharp(await bytes(await get(id))).metadata()).height).toBe(85);
    await tenant.send(`/todos/${id}/image`, { method: 'DELETE' });
    expect(kept()).toBe(0);
    const gone = await get(id);
    expect([gone.status, await gone.json()]).toMatchObject([404, { code: 'image_not_found' }]);
    expect(await (await get('none')).json()).toMatchObject({ code: 'todo_not_found' });
  });

  it('is answered with 304 to who has it, without being made', async () => {
    const id = await add(PNG);
    const etag = (await get(id, { method: 'HEAD' })).headers.get('etag') ?? '';
    expect(etag).toContain(tenant.databaseId);
    expect(etag).not.toBe((await tenant.send(`/todos/${id}/image`, { method: 'HEAD' })).headers.get('etag'));
    tenant.database.sqlite.exec('DELETE FROM todo_thumbnails');
    expect((await get(id, { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect(kept()).toBe(0);
  });

  it('is not to be had of a picture that cannot be read, which is not tried again', async () => {
    const id = await add(PICTURES['image/jpeg'] ?? PNG);
    for (let i = 0; i < 2; i += 1) {
      const response = await get(id);
      expect([response.status, await response.json()]).toMatchObject([404, { code: 'thumbnail_unavailable' }]);
      expect([response.headers.get('etag'), kept()]).toEqual([null, 1]);
    }
    expect((await tenant.send(`/todos/${id}/image`)).status).toBe(200);
  });

  it('is not to be had of a picture that would fill the memory', async () => {
    const wide = await plain(6000, 5500).gif().toBuffer();
    expect((await get(await add(wide))).status).toBe(404);
    const bomb = await plain(12_000, 9_000).png({ palette: true, colours: 2 }).toBuffer();
    expect(bomb.length).toBeLessThan(1_000_000);
    expect((await get(await add(bomb))).status).toBe(404);
  });

  it('of a picture that breaks off half-way shows what there is', async () => {
    const whole = await sharp({
      create: {
        width: 600,
        height: 600,
        channels: 3,
        background: '#000',
        noise: { type: 'gaussian', mean: 128, sigma: 30 },
      },
    })
      .jpeg()
      .toBuffer();
    expect((await get(await add(whole.subarray(0, whole.length / 2)))).status).toBe(200);
  });

  it('of a picture with 5 MB behind its end is that of the picture', async () => {
    expect((await sharp(await bytes(await get(await add(LARGEST_PNG)))).metadata()).width).toBe(1);
  });
});

it('is not kept in a full storage, and had all the same', async () => {
  const tenant = await startTenant({ env: { MAX_STORAGE_MB: '1' } });
  const image = await sharp({
    create: {
      width: 900,
      height: 900,
      channels: 3,
      background: '#000',
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  })
    .jpeg({ quality: 80 })
    .toBuffer();
  const posted = await tenant.send('/todos', { method: 'POST', body: formWith({ title: 'one', image }) });
  const { id } = (await posted.json()) as Todo;
  const used = tenant.database.usedBytes();
  for (let i = 0; tenant.database.usedBytes() < 1024 * 1024 - 4096 && i < 400; i += 1) {
    await tenant.sendJson('POST', '/todos', { title: `${i}`, description: 'd'.repeat(9_000) });
  }
  expect(tenant.database.usedBytes()).toBeGreaterThan(used);
  expect((await tenant.send(`/todos/${id}/thumbnail`)).status).toBe(200);
  expect(tenant.database.sqlite.prepare('SELECT count(*) FROM todo_thumbnails').pluck().get()).toBe(0);
  expect(tenant.logLines.join('')).toContain('thumbnail.not_kept');
  await tenant.close();
});
