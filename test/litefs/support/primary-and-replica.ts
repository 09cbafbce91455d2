import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/until';
import type { LitefsGround } from './ground';
import { killPrograms } from './machine-processes';
import { TenantOnLitefs, type Machine } from './tenant-on-litefs';

const MEASURED_WRITES = 50;
const KILLS = 5;

/** What holds of a tenant with two machines, on each platform that can run LiteFS. `start`: a platform with nothing on it. */
export function primaryAndReplica(start: () => Promise<LitefsGround>): void {
  let ground: LitefsGround;
  let tenant: TenantOnLitefs;
  let fra: Machine;
  let syd: Machine;

  beforeAll(async () => {
    ground = await start();
    tenant = await TenantOnLitefs.on(ground);
    fra = await tenant.configure({ region: 'fra', role: 'primary', epoch: 1 });
    await tenant.wake(fra);
    expect((await tenant.add(fra, 1, 'before there was a replica')).status).toBe(201);
    syd = await tenant.configure({ region: 'syd', role: 'replica', epoch: 1, follows: fra });
    await tenant.wake(syd);
  });
  afterAll(() => tenant.end());

  it('show the same to-dos, those of before the replica too, within milliseconds', async () => {
    expect(await tenant.titles(syd, 1)).toEqual(['before there was a replica']);
    const delaysMs: number[] = [];
    for (let i = 0; i < MEASURED_WRITES; i += 1) {
      expect((await tenant.add(fra, 1, `measured ${i}`)).status).toBe(201);
      const acknowledged = performance.now();
      await until(async () => (await tenant.titles(syd, 1))[0] === `measured ${i}`, { what: 'the replica', pollMs: 1 });
      delaysMs.push(performance.now() - acknowledged);
    }
    delaysMs.sort((a, b) => a - b);
    const at = (share: number) => (delaysMs[Math.floor(share * (MEASURED_WRITES - 1))] ?? NaN).toFixed(1);
    process.stdout.write(
      `replication, acknowledged on fra to read on syd, ${MEASURED_WRITES} writes: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, most ${at(1)} ms\n`,
    );
    expect(Number(at(0.5))).toBeLessThan(1000);
  });

  it('carry pictures as well, and small ones of them', async () => {
    const form = new FormData();
    form.set('title', 'with a picture');
    form.set('image', new Blob([PNG]), 'a.png');
    const { id } = await postForm(tenant, fra, form);
    const image = await until(
      async () => {
        const response = await tenant.send(syd, 1, `/todos/${id}/image`);
        return response.status === 200 && Buffer.from(await response.arrayBuffer());
      },
      { what: 'the picture on the replica' },
    );
    expect(image.equals(PNG)).toBe(true);
    const thumbnail = await tenant.send(syd, 1, `/todos/${id}/thumbnail`); // made there, and not kept
    expect([thumbnail.status, thumbnail.headers.get('content-type')]).toEqual([200, 'image/webp']);
  });

  it('can both be exported, as JSON and as a database', async () => {
    for (const machine of [fra, syd]) {
      const json = await tenant.send(machine, 1, '/export?format=json');
      expect([machine.region, json.status]).toEqual([machine.region, 200]);
      expect(await json.text()).toContain('before there was a replica');
      const sqlite = await tenant.send(machine, 1, '/export?format=sqlite');
      expect([machine.region, sqlite.status]).toEqual([machine.region, 200]);
      expect(
        Buffer.from(await sqlite.arrayBuffer())
          .subarray(0, 15)
          .toString(),
      ).toBe('SQLite format 3');
    }
  });

  it('the replica sends each kind of write away with 421, before a byte of it is read, and nothing is changed', async () => {
    const before = await tenant.titles(syd, 1);
    for (const [method, path] of [
      ['POST', '/todos'],
      ['PATCH', '/todos/x'],
      ['DELETE', '/todos/x'],
      ['PUT', '/todos/x/image'],
    ] as const) {
      const response = await tenant.send(syd, 1, path, {
        method,
        ...(method !== 'DELETE' && { body: '{"title":"x"}' }),
      });
      expect([method, response.status, ((await response.json()) as { code: string }).code]).toEqual([
        method,
        421,
        'not_primary',
      ]);
    }
    expect(await tenant.titles(syd, 1)).toEqual(before);
  });

  it('LiteFS itself refuses a write that gets past the app', async () => {
    expect(await ground.writeBesideApp(syd.ref)).toMatch(/^SQLITE_(READONLY|IOERR)/);
  });

  it('the replica catches up with what was written while it slept', async () => {
    await tenant.stop(syd);
    expect((await tenant.add(fra, 1, 'while it slept')).status).toBe(201);
    await tenant.wake(syd);
    await until(async () => (await tenant.titles(syd, 1))[0] === 'while it slept', { what: 'the replica' });
  });

  it.each(['litefs', 'node'] as const)(
    `%s of the replica killed under writes, ${KILLS} times: it comes back with all that the primary has acknowledged`,
    async (program) => {
      const acknowledged: string[] = [];
      for (let round = 0; round < KILLS; round += 1) {
        let isWriting = true;
        const writing = (async () => {
          while (isWriting) {
            const title = randomUUID();
            if ((await tenant.add(fra, 1, title)).status === 201) acknowledged.push(title);
          }
        })();
        try {
          await sleep(50 + round * 7);
          await killPrograms(await ground.programsOf(syd.ref), [program]);
          await until(async () => (await tenant.stateOf(syd)) === 'stopped', { what: 'its end to be seen' });
          await tenant.wake(syd);
        } finally {
          isWriting = false;
          await writing;
        }
        expect(ground.mounts()).toHaveLength(2);
      }
      expect(acknowledged.length).toBeGreaterThan(KILLS * 2);
      const titles = await tenant.titles(fra, 1);
      expect(acknowledged.filter((title) => !titles.includes(title))).toEqual([]);
      await until(async () => (await tenant.titles(syd, 1)).join() === titles.join(), {
        what: 'syd to have caught up',
      });
    },
  );

  it('the replica does not start without its primary, and is stopped all the same', async () => {
    await tenant.stop(syd);
    await tenant.stop(fra);
    await ground.platform.start(syd.ref, AbortSignal.timeout(10_000));
    await sleep(1000);
    expect(await tenant.isReady(syd)).toBe(false);
    await tenant.stop(syd); // LiteFS does not hear SIGTERM before it is connected: it is killed after the time
    expect(await tenant.stateOf(syd)).toBe('stopped');
    expect(ground.mounts()).toEqual([]);
    await tenant.wake(fra);
    await tenant.wake(syd);
  });

  describe('and then syd becomes the primary of epoch 2', () => {
    beforeAll(async () => {
      await tenant.stop(syd);
      await tenant.stop(fra);
      syd = await tenant.configure({ region: 'syd', role: 'primary', epoch: 2 });
      await tenant.wake(syd);
    });

    it('which has everything, and writes', async () => {
      expect(await tenant.titles(syd, 2)).toContain('while it slept');
      expect((await tenant.add(syd, 2, 'of epoch 2')).status).toBe(201);
      expect((await tenant.add(syd, 1, 'of epoch 1')).status).toBe(421);
    });

    it('a stale primary that comes back acknowledges no write and ends, without a mount', async () => {
      await ground.startByHand(fra.ref); // as it was: primary of epoch 1
      await tenant.untilReady(fra);
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          tenant.add(fra, 2, `stale ${i}`).then(
            ({ status }) => status,
            () => 'cut off',
          ),
        ),
      );
      expect(new Set(answers)).not.toContain(201);
      expect(answers).toContain(421);
      await until(async () => (await tenant.stateOf(fra)) === 'stopped', { what: 'the stale primary to end' });
      expect(ground.mounts()).toHaveLength(1);
      expect(await tenant.titles(syd, 2)).not.toContain('stale 0');
    });

    it('the old primary follows as a replica, and what it had alone is gone', async () => {
      await tenant.wake(fra);
      expect((await tenant.add(fra, 1, 'nobody else has it')).status).toBe(201); // a token of epoch 1 that had not expired
      await tenant.stop(fra);
      fra = await tenant.configure({ region: 'fra', role: 'replica', epoch: 2, follows: syd });
      await tenant.wake(fra);
      const titles = await tenant.titles(syd, 2);
      await until(async () => (await tenant.titles(fra, 2)).join() === titles.join(), { what: 'fra to follow' });
      expect(titles).not.toContain('nobody else has it');
      expect((await tenant.add(fra, 2, 'x')).status).toBe(421);
    });
  });

  it('LiteFS listens at the machine alone, on its own address', async () => {
    const [one, other] = [await ground.litefsUrl(fra.ref), await ground.litefsUrl(syd.ref)];
    expect(one).not.toBe(other);
    expect(((await (await fetch(`${one}/info`)).json()) as { isPrimary: boolean }).isPrimary).toBe(false);
    expect(((await (await fetch(`${other}/info`)).json()) as { isPrimary: boolean }).isPrimary).toBe(true);
  });
}

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

async function postForm(tenant: TenantOnLitefs, machine: Machine, form: FormData): Promise<{ id: string }> {
  const request = new Request('http://x', { method: 'POST', body: form });
  const headers = { 'content-type': request.headers.get('content-type') ?? '' };
  const body = Buffer.from(await request.arrayBuffer());
  const response = await tenant.send(machine, 1, '/todos', { method: 'POST', headers, body });
  expect(response.status).toBe(201);
  return (await response.json()) as { id: string };
}
