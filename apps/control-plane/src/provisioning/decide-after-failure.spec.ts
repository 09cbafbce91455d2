import { MachinesApiError, type MachinesApiReason } from '@app/minifly-client/errors';
import { decideAfterFailure, type FailureFacts } from './decide-after-failure';

const NOW = 1_000_000_000;
const LIMITS = { deadlineMs: 300_000, goneMs: 120_000 };

const error = (status: number, reason: MachinesApiReason, text = 'no', retryAfterMs?: number) =>
  new MachinesApiError(text, {
    status,
    body: null,
    requestId: null,
    reason,
    ...(retryAfterMs ? { retryAfterMs } : {}),
  });

function after(given: Partial<Omit<FailureFacts, 'row'>> & { row?: Partial<FailureFacts['row']> }) {
  const row = { status: 'provisioning' as const, statusSince: NOW - 300_000, attempts: 2, ...given.row };
  const facts = {
    hasDatabase: false,
    error: error(403, 'quota'),
    outages: 0,
    now: NOW,
    random: () => 1,
    ...given,
    row,
  };
  return decideAfterFailure(facts, LIMITS);
}

describe('decideAfterFailure', () => {
  it.each([
    error(0, 'unavailable'),
    error(0, 'timeout'),
    error(408, 'timeout'),
    error(429, 'rate_limited'),
    error(500, 'unavailable'),
    error(401, 'unauthorized'),
    new DOMException('too late', 'TimeoutError'),
  ])('draws nothing from a platform that could not be asked, whatever the deadline: %s', (unasked) => {
    expect(after({ error: unasked })).toMatchObject({ do: 'ask_later', code: 'platform_unavailable' });
  });

  it.each(['bad_request', 'capacity_region', 'capacity_host', 'quota', 'conflict', 'not_found'] as const)(
    'gives up past the deadline on what is refused: %s',
    (reason) => {
      expect(after({ error: error(422, reason) })).toMatchObject({ do: 'fail', code: reason });
      expect(after({ error: error(422, reason), row: { statusSince: NOW } })).toMatchObject({ do: 'try_again' });
    },
  );

  it('gives nothing up that was not tried three times, however long the platform was away', () => {
    expect(after({ row: { attempts: 1 } })).toMatchObject({ do: 'try_again' });
  });

  it('never gives a deletion up', () => {
    expect(after({ row: { status: 'deleting', attempts: 99 } })).toMatchObject({ do: 'try_again', at: NOW + 30_000 });
  });

  it('fails at once where the volume with the database is gone, and not where there was no database yet', () => {
    const gone = error(412, 'precondition', 'failed_precondition: volume vol_1 not found');
    const row = { statusSince: NOW, attempts: 0 };
    expect(after({ error: gone, hasDatabase: true, row })).toMatchObject({ do: 'fail', code: 'volume_missing' });
    expect(after({ error: gone, row })).toMatchObject({ do: 'try_again' });
  });

  it('takes a machine that ended right after its start for a try that came to nothing', () => {
    expect(after({ error: error(200, 'unavailable') })).toMatchObject({ do: 'fail', code: 'machine_ended' });
  });

  it('says of a bug only that there is one', () => {
    const bug = after({ error: new TypeError('x of undefined'), row: { statusSince: NOW } });
    expect(bug).toMatchObject({ do: 'try_again', code: 'internal_error' });
    expect(JSON.stringify(bug)).not.toContain('undefined');
  });

  it('doubles the pause up to a ceiling, spreads it, and waits at least as long as it was asked to', () => {
    const row = (attempts: number) => ({ statusSince: NOW, attempts });
    const pauses = [0, 1, 2, 3, 10, 99]
      .map((attempts) => after({ row: row(attempts) }))
      .map((next) => 'at' in next && next.at - NOW);
    expect(pauses).toEqual([250, 500, 1000, 2000, 30_000, 30_000]);
    expect(after({ row: row(1), random: () => 0 })).toMatchObject({ at: NOW + 250 });
    expect(after({ error: error(429, 'rate_limited', 'slow down', 20_000) })).toMatchObject({ at: NOW + 20_000 });
    expect(after({ error: error(0, 'unavailable'), outages: 99 })).toMatchObject({ at: NOW + 15_000 });
  });
});
