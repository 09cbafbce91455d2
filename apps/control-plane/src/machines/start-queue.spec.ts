import { StartQueue } from './start-queue';

const patient = new AbortController().signal;

describe('StartQueue', () => {
  it('lets so many start at once, and wakes before provisioning', async () => {
    const queue = new StartQueue(1);
    const order: string[] = [];
    const end = await queue.enter('wake', patient);
    const line = (['provision', 'wake', 'provision', 'wake'] as const).map(async (purpose) => {
      const done = await queue.enter(purpose, patient);
      order.push(purpose);
      done();
    });
    await Promise.resolve();
    expect(order).toEqual([]);
    end();
    end(); // frees one place, however often
    await Promise.all(line);
    expect(order).toEqual(['wake', 'wake', 'provision', 'provision']);
  });

  it('forgets one that left the line', async () => {
    const queue = new StartQueue(1);
    const end = await queue.enter('wake', patient);
    const leaving = new AbortController();
    const left = queue.enter('wake', leaving.signal);
    leaving.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    end();
    (await queue.enter('provision', patient))();
  });

  it('does not let one that hangs keep the others waiting', async () => {
    jest.useFakeTimers();
    const queue = new StartQueue(1);
    await queue.enter('wake', patient);
    const next = queue.enter('wake', patient);
    jest.advanceTimersByTime(5000);
    jest.useRealTimers();
    (await next)();
  });
});
