import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { EventLog } from './event-log';
import { EventStreams } from './event-streams';

describe('a stream of events', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] }));
  afterEach(() => jest.useRealTimers());

  function start(lifeMs: number) {
    const log = new EventLog();
    const response = Object.assign(new PassThrough({ highWaterMark: 1 }), { writeHead: () => response });
    new EventStreams(log).start(response as unknown as ServerResponse, undefined, lifeMs);
    return { log, response };
  }

  it('says every 15 seconds that it is there, and ends when its life does', () => {
    const { response } = start(60_000);
    response.read();
    jest.advanceTimersByTime(14_999);
    expect(response.read()).toBeNull();
    jest.advanceTimersByTime(1);
    expect(String(response.read())).toBe(': \n\n');
    expect(response.writableEnded).toBe(false);
    jest.advanceTimersByTime(45_000);
    expect(response.writableEnded).toBe(true);
  });

  it('is cut off when nobody reads it', () => {
    const { log, response } = start(60_000);
    for (let i = 0; i < 100_000 && !response.destroyed; i += 1) log.append({ type: 'updated', todoId: `${i}` });
    expect(response.destroyed).toBe(true);
  });

  it('leaves no timer behind when its client goes', async () => {
    const { response } = start(60_000);
    response.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    expect(jest.getTimerCount()).toBe(0);
  });
});
