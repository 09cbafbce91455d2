import { createHash, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/until';
import { House, answerOf, textOf } from './support/house';
import { everything, head } from './support/raw';

describe('bytes on their way', () => {
  let house: House;
  const timings = { stallMs: 400, heartbeatMs: 60 };
  beforeEach(async () => (house = await House.open({ timings })));
  afterEach(async () => {
    await until(() => house.gates.open === 0, { what: 'the last place to be free' });
    expect(await house.gauge('proxiedOpen')).toBe(0);
    await house.close();
  });

  const hashOf = (data: Buffer) => createHash('sha256').update(data).digest('hex');

  it.each([
    ['with a length', { 'content-length': '5242880' }],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ])('reach the tenant as they were sent, %s', async (_how, headers) => {
    const data = randomBytes(5_242_880);
    house.tenant.answer = (_request, response, body) => response.end(hashOf(Buffer.from(body, 'latin1')));
    const request = house.request('/api/v1/import', { method: 'POST', headers });
    request.end(data);
    expect(await textOf(await answerOf(request))).toBe(hashOf(data));
  });

  it('come back in the pieces in which they are sent', async () => {
    let response!: ServerResponse;
    house.tenant.answer = (_request, theirs) => {
      response = theirs;
      response.write('first');
    };
    const request = house.request('/api/v1/export');
    request.end();
    const answer = await answerOf(request);
    let text = '';
    answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await until(() => text === 'first');
    response.end('last');
    await until(() => text === 'firstlast');
  });

  it('wait with the tenant while the client does not read', async () => {
    let sent = 0;
    const chunk = Buffer.alloc(65_536);
    house.tenant.answer = (_request, response) => {
      const pump = () => {
        do sent += chunk.length;
        while (sent < 200_000_000 && response.write(chunk));
      };
      response.on('drain', pump);
      pump();
    };
    const before = process.memoryUsage().arrayBuffers;
    const request = house.request('/api/v1/export');
    request.end();
    const answer = await answerOf(request);
    answer.pause();
    await sleep(250);
    expect(sent).toBeGreaterThan(100_000);
    expect(sent).toBeLessThan(30_000_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40_000_000);
    answer.resume();
    await until(() => sent > 60_000_000);
    request.destroy();
  });

  it('wait with the client while the tenant does not read', async () => {
    house.tenant.early = () => true;
    const request = house.request('/api/v1/import', { method: 'POST', headers: { 'content-length': '200000000' } });
    request.on('error', () => undefined);
    let sent = 0;
    const chunk = Buffer.alloc(65_536);
    const pump = () => {
      do sent += chunk.length;
      while (sent < 200_000_000 && request.write(chunk));
    };
    request.on('drain', pump);
    pump();
    await sleep(250);
    expect(sent).toBeGreaterThan(100_000);
    expect(sent).toBeLessThan(40_000_000);
    request.destroy();
  });

  it('are cut off, never ended, when the tenant dies in the middle', async () => {
    for (const headers of [{}, { 'Content-Length': '1000' }]) {
      house.tenant.answer = (request, response) => {
        response.writeHead(200, headers);
        response.write('half', () => setTimeout(() => request.socket.destroy(), 20));
      };
      const socket = connect(house.port, '127.0.0.1');
      socket.write(head('GET', '/api/v1/export').replace('Connection: close\r\n', ''));
      const raw = await everything(socket, 1000);
      expect(raw).toContain('half');
      expect(raw).not.toMatch(/\r\n0\r\n\r\n$/);
    }
    await until(() => house.log.filter(({ code }) => code === 'tenant_unreachable').length === 2);
  });

  it('stop when the client leaves in the middle of either direction, and the tenant hears of it', async () => {
    let tenantHeard = 0;
    house.tenant.early = (request, response) => {
      request.on('close', () => undefined).on('error', () => undefined);
      request.resume();
      response.on('close', () => tenantHeard++);
      if (request.method === 'GET') response.write('begin');
      return true;
    };
    const download = house.request('/api/v1/export');
    download.end();
    (await answerOf(download)).on('error', () => undefined);
    expect(house.gates.open).toBe(1);
    download.destroy();
    await until(() => tenantHeard === 1 && house.gates.open === 0);

    const upload = house.request('/api/v1/import', { method: 'POST', headers: { 'content-length': '1000' } });
    upload.on('error', () => undefined);
    upload.write('begin');
    await until(() => house.tenant.seen.length === 2);
    upload.destroy();
    await until(() => tenantHeard === 2 && house.gates.open === 0);
    expect(house.log.filter(({ cut }) => cut)).toHaveLength(2);
  });

  it('end with 504 when nothing comes in either direction, before the answer', async () => {
    house.tenant.answer = () => undefined;
    const answer = await house.get('/api/v1/todos');
    expect(answer.status).toBe(504);
    expect(await answer.json()).toMatchObject({ code: 'tenant_timeout' });
  });

  it('are cut when nothing comes any more, in the middle of an upload or an answer', async () => {
    house.tenant.answer = (_request, response) => response.write('begin');
    await expect(house.get('/api/v1/export').then((answer) => answer.text())).rejects.toThrow();
    const upload = house.request('/api/v1/import', { method: 'POST', headers: { 'content-length': '1000' } });
    upload.on('error', () => undefined);
    upload.write('begin');
    expect((await answerOf(upload)).statusCode).toBe(504);
    upload.destroy();
  });

  it('may go slowly for longer than the stall timer', async () => {
    house.tenant.answer = (_request, response) => {
      let left = 6;
      const timer = setInterval(() => {
        response.write('x');
        if (--left > 0) return;
        clearInterval(timer);
        response.end();
      }, 100);
    };
    expect(await (await house.get('/api/v1/export')).text()).toBe('xxxxxx');
  });

  describe('of an event stream', () => {
    const openStream = async (send: (response: ServerResponse) => void) => {
      house.tenant.answer = (_request, response) => {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        response.flushHeaders();
        send(response);
      };
      const request = house.request('/api/v1/events');
      request.on('error', () => undefined);
      request.end();
      const answer = await answerOf(request);
      const stream = { text: '', ended: false, request };
      answer.on('data', (chunk: Buffer) => (stream.text += chunk.toString()));
      answer.on('end', () => (stream.ended = true)).on('error', () => undefined);
      return stream;
    };

    it('pass at once, with a heartbeat in the silence, for longer than the stall timer', async () => {
      let theirs!: ServerResponse;
      const stream = await openStream((response) => (theirs = response));
      await until(() => stream.text === ':\n:\n');
      theirs.write('data: 1\n\n');
      await until(() => stream.text.includes('data: 1\n\n'), { ms: 50 });
      await sleep(timings.stallMs + 100);
      theirs.write('data: 2\n\n');
      await until(() => stream.text.includes('data: 2\n\n'), { ms: 50 });
      expect(stream.text.replaceAll(':\n', '')).toBe('data: 1\n\ndata: 2\n\n'.replaceAll(':\n', ''));
      stream.request.destroy();
    });

    it('get no heartbeat in the middle of a line', async () => {
      const stream = await openStream((response) => response.write('data: hal'));
      await sleep(200);
      expect(stream.text).toBe('data: hal');
      stream.request.destroy();
    });

    it.each([
      ['the session', (): unknown => house.sessions.end('alice')],
      ['the process', (): unknown => house.app.close()],
    ])('end when %s ends', async (_what, end) => {
      const stream = await openStream((response) => response.write('data: 1\n\n'));
      const other = house.request('/stream');
      other.end();
      const nest = await answerOf(other);
      nest.resume();
      const nestEnded = new Promise((resolve) => nest.once('end', resolve));
      await until(() => stream.text !== '');
      house.sessions.end('bob');
      await sleep(30);
      expect([stream.ended, house.gates.open]).toEqual([false, 1]);
      void end();
      await until(() => stream.ended);
      await nestEnded;
    });
  });
});
