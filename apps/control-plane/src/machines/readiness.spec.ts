import 'reflect-metadata';
import { systemClock } from '@app/common/time/clock';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { judgeAnswer, ReadinessProbe } from './readiness';

const patient = new AbortController().signal;
const expected = { tenantId: 't1', databaseId: 'd1' };
const answer = (overrides: Record<string, unknown> = {}) =>
  JSON.stringify({ tenantId: 't1', databaseId: 'd1', schemaVersion: 3, ...overrides });

describe('judgeAnswer', () => {
  it.each([
    ['ready', answer()],
    ['wrongTenant', answer({ tenantId: 't2' })],
    ['wrongTenant', answer({ tenantId: 't2', databaseId: 'd2' })],
    ['wrongDatabase', answer({ databaseId: 'd2' })],
    ['wrongSchema', answer({ schemaVersion: undefined })],
    ['wrongSchema', answer({ schemaVersion: '3' })],
    ['wrongSchema', answer({ databaseId: '' })],
    ['wrongSchema', 'OK'],
    ['wrongSchema', 'null'],
  ])('%s: %s', (outcome, text) => {
    expect(judgeAnswer(text, expected)).toMatchObject({ outcome });
  });

  it('learns the database id where none is known yet', () => {
    expect(judgeAnswer(answer({ databaseId: 'new' }), { ...expected, databaseId: null })).toEqual({
      outcome: 'ready',
      databaseId: 'new',
      schemaVersion: 3,
    });
  });
});

describe('ReadinessProbe', () => {
  let server: Server;
  let answers: (string | null)[];
  const probe = new ReadinessProbe(systemClock);
  const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  beforeEach(async () => {
    server = createServer((request, response) => {
      const text = request.url === '/readyz' ? answers.shift() : null;
      response.statusCode = text ? 200 : 503;
      response.end(text);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  it('asks again until the machine is ready, and leaves no connection behind', async () => {
    answers = [null, null, answer()];
    expect(await probe.waitUntilReady({ origin: origin(), ...expected }, 5000, patient)).toMatchObject({
      outcome: 'ready',
    });
    expect(answers).toEqual([]);
    const connections = () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
    while ((await connections()) !== 0) await sleep(5); // the server hears of it a moment later
  });

  it('does not ask twice who is somebody else', async () => {
    answers = [answer({ tenantId: 't2' }), answer()];
    expect(await probe.waitUntilReady({ origin: origin(), ...expected }, 5000, patient)).toMatchObject({
      outcome: 'wrongTenant',
    });
  });

  it('says notYet of what refuses the connection, when the time is over', async () => {
    const question = { origin: 'http://127.0.0.1:1', ...expected };
    expect(await probe.waitUntilReady(question, 30, patient)).toEqual({ outcome: 'notYet', detail: 'ECONNREFUSED' });
  });

  it('ends with the reason of its signal', async () => {
    answers = [];
    const leaving = AbortSignal.timeout(30);
    await expect(probe.waitUntilReady({ origin: origin(), ...expected }, 60_000, leaving)).rejects.toThrow('timeout');
  });
});
