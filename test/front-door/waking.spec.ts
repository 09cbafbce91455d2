import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:net';
import { ControlPlaneError } from '../../apps/control-plane/src/error-codes';
import type { Admission } from '../../apps/control-plane/src/gates/admission';
import { until } from '../support/until';
import { FakeTenant } from './support/fake-tenant';
import { House } from './support/house';
import { everything, exchange, head, parse } from './support/raw';
import { held } from './support/stand-ins';

describe('a request whose tenant is not there yet, or not any more', () => {
  let house: House;
  beforeEach(async () => (house = await House.open()));
  afterEach(async () => {
    expect(house.gates.open).toBe(0);
    expect(await house.gauge('proxiedOpen')).toBe(0);
    await house.close();
  });

  /** The next request waits at the gate until it is released. */
  function hold(): { release: () => void } {
    const { promise, release } = held<Admission>();
    let proceed: () => Admission;
    house.gates.next.push((letIn) => ((proceed = letIn), promise));
    return { release: () => release(proceed()) };
  }

  it('is held and then passed on', async () => {
    const gate = hold();
    const answer = house.get('/api/v1/todos');
    await until(() => house.gates.waiting.length === 1);
    expect(house.tenant.seen).toHaveLength(0);
    gate.release();
    expect(await (await answer).text()).toBe('hello');
  });

  it('is asked for its body only when the machine is ready', async () => {
    const gate = hold();
    const socket = connect(house.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => (received += chunk.toString()));
    socket.write(head('POST', '/api/v1/todos', ['Expect: 100-continue', 'Content-Length: 4']));
    await until(() => house.gates.waiting.length === 1);
    await sleep(100);
    expect(received).toBe('');
    gate.release();
    await until(() => received === 'HTTP/1.1 100 Continue\r\n\r\n');
    socket.write('milk');
    await until(() => received.includes('hello'));
    expect(house.tenant.seen).toMatchObject([{ method: 'POST', body: 'milk' }]);
    expect(house.tenant.seen[0]?.headers).not.toHaveProperty('expect');
    socket.destroy();
  });

  it('is never asked for its body when it is refused', async () => {
    house.gates.next.push(() => ({ outcome: 'timedOut', retryAfterSeconds: 3 }));
    const lines = ['Expect: 100-continue', 'Content-Length: 4'];
    const answer = await exchange(house.port, head('POST', '/api/v1/todos', lines));
    expect(answer.status).toBe(503);
    expect((await exchange(house.port, head('POST', '/api/v1/todos', lines, ''))).status).toBe(401);
  });

  it("asks for the body of a form of Nest's at once", async () => {
    const socket = connect(house.port, '127.0.0.1');
    const answer = everything(socket, 300);
    const lines = ['Expect: 100-continue', 'Content-Type: application/json', 'Content-Length: 8'];
    socket.write(head('POST', '/echo', lines));
    await sleep(50);
    socket.write('{"a": 1}');
    expect(await answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201[^]*\{"body":\{"a":1\}\}/);
  });

  it('frees its place when its client leaves while it is held', async () => {
    const gate = hold();
    const request = house.request('/api/v1/todos');
    request.on('error', () => undefined);
    request.end();
    const signal = await until(() => house.gates.waiting[0]);
    request.destroy();
    await until(() => signal.aborted);
    expect(await house.gauge('proxiedOpen')).toBe(0);
    gate.release(); // too late: the place that is given now is given back at once
    await sleep(20);
    expect(house.gates.open).toBe(0);
    expect(house.tenant.seen).toHaveLength(0);
    expect(house.log.at(-1)).toMatchObject({ event: 'request', status: 499, cut: true });
  });

  it('leaves a held upload with its client and frees its place when the hold ends', async () => {
    const gate = hold();
    const request = house.request('/api/v1/import', { method: 'POST', headers: { 'content-length': '50000000' } });
    request.on('error', () => undefined);
    let sent = 0;
    const chunk = Buffer.alloc(65_536);
    const pump = () => {
      do sent += chunk.length;
      while (sent < 50_000_000 && request.write(chunk));
    };
    request.on('drain', pump);
    pump();
    await until(() => house.gates.waiting.length === 1);
    await sleep(200);
    expect(sent).toBeGreaterThan(100_000);
    expect(sent).toBeLessThan(20_000_000); // what the kernel takes in, not what the client has
    request.destroy();
    gate.release();
    await until(() => house.gates.open === 0);
  });

  it.each<[string, Admission, number, string, string | null]>([
    ['too many wait', { outcome: 'full', retryAfterSeconds: 2 }, 503, 'tenant_busy', '2'],
    ['it does not wake in time', { outcome: 'timedOut', retryAfterSeconds: 5 }, 503, 'tenant_not_ready', '5'],
    [
      'it has failed',
      { outcome: 'failed', error: new ControlPlaneError('tenant_failed', 'The volume is missing.') },
      503,
      'tenant_failed',
      null,
    ],
  ])('answers with the reason when %s', async (_when, admission, status, code, retryAfter) => {
    house.gates.next.push(() => admission);
    const answer = await house.get('/api/v1/todos');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, retryAfter]);
    expect(await answer.json()).toMatchObject({ code });
  });

  it('answers 503 as a problem too when the gate itself breaks', async () => {
    house.gates.next.push(() => Promise.reject(new Error('no database')));
    expect((await house.get('/api/v1/todos')).status).toBe(502);
  });

  describe('goes again, because nothing was processed', () => {
    let right: FakeTenant;
    beforeEach(async () => {
      right = await FakeTenant.start();
      right.answer = (_request, response, body) => response.end(`right ${body}`);
      house.gates.onDistrust = () => (house.gates.origin = right.origin);
    });
    afterEach(() => right.stop());

    const post = (body: string | Buffer) =>
      fetch(`${house.url}/api/v1/todos`, {
        method: 'POST',
        headers: { cookie: 'session=alice' },
        body: body as string,
      });

    it('when the connection is refused', async () => {
      await house.tenant.stop();
      const answer = await post('milk');
      expect(await answer.text()).toBe('right milk');
      expect(house.gates.distrusted).toHaveLength(1);
      house.tenant = await FakeTenant.start(); // for the tidying up
    });

    it.each(['milk', 'm'.repeat(60_000)])('when the machine is another tenant’s (%#)', async (body) => {
      house.tenant.early = (_request, response) => (response.writeHead(421).end('{}'), true);
      const answer = await post(body);
      expect(await answer.text()).toBe(`right ${body}`);
      expect(house.gates.distrusted).toHaveLength(1);
      expect(right.seen).toHaveLength(1);
    });

    it('but not when more of the body was read than is kept: then the client is told to', async () => {
      house.tenant.early = (_request, response) => {
        setTimeout(() => response.writeHead(421).end('{}'), 150);
        return true;
      };
      const answer = await post(Buffer.alloc(2_000_000));
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await answer.json()).toMatchObject({ code: 'tenant_not_ready' });
      expect(house.gates.distrusted).toHaveLength(1);
      expect(right.seen).toHaveLength(0);
    });

    it('once and no more', async () => {
      right.early = (_request, response) => (response.writeHead(421).end('{}'), true);
      house.tenant.early = right.early;
      const answer = await post('milk');
      expect(answer.status).toBe(503);
      expect(house.gates.entered).toHaveLength(2);
    });

    it('when the machine does not know the key of the token, after it got it', async () => {
      house.tenant.answer = (_request, response) => response.writeHead(401).end('{"code":"unknown_key"}');
      house.gates.onRefresh = () => (house.gates.origin = right.origin);
      expect(await (await post('milk')).text()).toBe('right milk');
      expect(house.gates.refreshed).toBe(1);
      expect(house.gates.distrusted).toHaveLength(0);
    });
  });

  it('does not show the client a refusal of our token as if it were of the client', async () => {
    house.tenant.answer = (_request, response) => response.writeHead(401).end('{"code":"token_expired"}');
    const answer = await house.get('/api/v1/todos');
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({ code: 'tenant_bad_answer' });
    expect(house.gates.refreshed).toBe(0);
  });

  it('does not go again where the tenant may have done something', async () => {
    house.tenant.early = (request) => (request.socket.destroy(), true);
    const answer = await fetch(`${house.url}/api/v1/todos`, {
      method: 'POST',
      headers: { cookie: 'session=alice' },
      body: 'milk',
    });
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({ code: 'tenant_unreachable' });
    expect(house.tenant.seen).toHaveLength(1);
  });

  it('reads on when the tenant answers before the upload is there, so that a browser sees the answer', async () => {
    house.tenant.early = (_request, response) => (response.writeHead(413).end('too big'), true);
    const socket = connect(house.port, '127.0.0.1');
    const all = everything(socket, 1000);
    socket.write(head('POST', '/api/v1/import', ['Content-Length: 8000000']));
    await new Promise((resolve) => socket.write(Buffer.alloc(8_000_000), resolve)); // a browser reads only after this
    expect(parse(await all)).toMatchObject({ status: 413 });
    expect(house.gates.open).toBe(0);
  });

  it('serves the next request on the same connection after an early answer', async () => {
    house.tenant.early = (_request, response) => (response.writeHead(413).end('too big'), true);
    const socket = connect(house.port, '127.0.0.1');
    const all = everything(socket, 500);
    const first = head('POST', '/api/v1/import', ['Content-Length: 300000']).replace('Connection: close\r\n', '');
    socket.write(first + 'x'.repeat(300_000));
    await until(() => house.tenant.seen.length === 1);
    house.tenant.early = null;
    socket.write(head('GET', '/api/v1/todos'));
    const answers = (await all).split('HTTP/1.1 ').slice(1);
    expect(answers.map((answer) => answer.slice(0, 3))).toEqual(['413', '200']);
    expect(parse(`HTTP/1.1 ${answers[1]}`).body).toContain('hello');
  });
});
