import { MAX_IMAGE_BYTES } from '../src/images/uploads';
import type { Todo } from '../src/todos/todo';
import type { Usage } from '../src/usage/usage.controller';
import { formWith, PNG, pngOf } from './pictures';
import { startTenant } from './running-tenant';

it('says what is used, and of how much', async () => {
  const tenant = await startTenant({ env: { MAX_TODOS: '7', MAX_STORAGE_MB: '20' } });
  const usage = async () => (await (await tenant.send('/usage')).json()) as Usage;
  const empty = await usage();
  expect(empty).toEqual({
    todos: { count: 0, limit: 7 },
    images: { count: 0, bytes: 0, limitBytesEach: MAX_IMAGE_BYTES },
    storage: { bytes: expect.any(Number) as number, limitBytes: 20 * 1024 * 1024 },
  });
  await tenant.sendJson('POST', '/todos', { title: 'plain' });
  const add = async (image: Buffer) =>
    (await (
      await tenant.send('/todos', { method: 'POST', body: formWith({ title: 'pictured', image }) })
    ).json()) as Todo;
  const { id } = await add(pngOf(1_000_000));
  await add(PNG);
  const full = await usage();
  expect(full).toMatchObject({ todos: { count: 3 }, images: { count: 2, bytes: 1_000_000 + PNG.length } });
  expect(full.storage.bytes - empty.storage.bytes).toBeGreaterThan(900_000);
  await tenant.send(`/todos/${id}`, { method: 'DELETE' });
  const after = await usage(); // it can be restored, so its room is still taken
  expect(after).toMatchObject({ todos: { count: 2 }, images: { count: 1, bytes: PNG.length } });
  expect(after.storage.bytes).toBeGreaterThanOrEqual(full.storage.bytes);
  await tenant.close();
});
