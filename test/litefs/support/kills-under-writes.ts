import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../support/client';
import { until } from '../../support/until';

const ROUNDS = 10;

/** The programs of a machine on LiteFS that are killed, by what a test is called after them. */
export const KILLED_PROGRAMS = [
  ['LiteFS', ['litefs']],
  ['the app', ['node']],
  ['both', ['litefs', 'node']],
] as const;

/**
 * Ten times: somebody writes, `kill` ends the machine (and returns when it has ended), the next request starts it again, and every
 * write that was acknowledged is there. `check`: what else is to hold after each round.
 */
export async function killUnderWrites(
  client: Client,
  kill: () => Promise<void>,
  check: () => void | Promise<void>,
): Promise<void> {
  const acknowledged: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = acknowledged.length;
    let isWriting = true;
    const writing = client.writeWhile(() => isWriting, acknowledged);
    try {
      await until(() => acknowledged.length > before, { what: 'a first write' });
      await sleep(50 + round * 7);
      await kill();
      await untilAnswered(client);
    } finally {
      isWriting = false;
      await writing;
    }
    const titles = await client.allTitles();
    expect(acknowledged.filter((title) => !titles.includes(title))).toEqual([]);
    await check();
  }
  expect(acknowledged.length).toBeGreaterThan(ROUNDS * 2);
}

/** A request on a connection that was not seen closing yet may fail: it was sent, so it is not repeated. A later one is answered. */
async function untilAnswered(client: Client): Promise<void> {
  await until(
    async () => {
      const { status } = await client.fetch('/api/v1/todos');
      expect([200, 502, 503]).toContain(status);
      return status === 200;
    },
    { what: 'an answer after the crash', pollMs: 50 },
  );
}
