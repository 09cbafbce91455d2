import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:net';
import { TenantJson, type TenantCallInput } from '../../apps/control-plane/src/proxy/tenant-json';
import { until } from '../support/until';
import { FakeTenant } from './support/fake-tenant';
import { House, answerOf, textOf } from './support/house';
import { everything, head, parse } from './support/raw';

describe('TenantJson', () => {
  let house: House;
  beforeEach(async () => (house = await House.open({ timings: { stallMs: 400, heartbeatMs: 15_000 } })));
  afterEach(async () => {
    await until(() => house.gates.open === 0);
    expect(await house.gauge('proxiedOpen')).toBe(0);
    await house.close();
  });

  const ask = (input: Partial<TenantCallInput> = {}) =>
    house.app.get(TenantJson).request('alice', {
      method: 'GET',
      path: '/todos?filter=open',
      signal: new AbortController().signal,
      requestId: 'r-1',
      ...input,
    });
  const answerJson = (status: number, body: unknown) => {
    house.tenant.answer = (_request, response) =>
      response.writeHead(status, { 'Content-Type': 'application/json', ETag: '"x"' }).end(JSON.stringify(body));
  };

  it('asks with the token and the request id, and gives what came', async () => {
    answerJson(200, { items: [] });
    expect(await ask()).toMatchObject({ status: 200, headers: { etag: '"x"' }, body: { items: [] } });
    expect(house.tenant.seen[0]).toMatchObject({
      method: 'GET',
      url: '/todos?filter=open',
      headers: { authorization: 'Bearer token-of-alice', 'x-request-id': 'r-1', accept: 'application/json' },
    });
    expect(house.signals).toEqual([]);
  });

  it('sends JSON, gives a refusal as it is, and says `changed` only after a success', async () => {
    answerJson(422, { code: 'validation_failed' });
    const write = { method: 'PATCH', path: '/todos/1', json: { title: 'é' }, headers: { 'if-match': '"x"' } };
    expect(await ask(write)).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
    expect(house.signals).toEqual([]);
    house.tenant.answer = (_request, response) => response.writeHead(204).end();
    expect(await ask(write)).toMatchObject({ status: 204, body: null });
    expect(house.signals).toEqual([['alice', 'changed']]);
    expect(house.tenant.seen[1]).toMatchObject({
      body: Buffer.from('{"title":"é"}').toString('latin1'),
      headers: { 'content-type': 'application/json', 'content-length': '14', 'if-match': '"x"' },
    });
  });

  it.each<[string, (house: House) => void, string]>([
    ['does not answer', (it) => (it.tenant.answer = () => undefined), 'tenant_timeout'],
    ['dies', (it) => (it.tenant.answer = (request) => request.socket.destroy()), 'tenant_unreachable'],
    [
      'dies in the middle',
      (it) => (it.tenant.answer = (request, response) => response.write('{', () => request.socket.destroy())),
      'tenant_unreachable',
    ],
    [
      'answers what is no JSON',
      (it) =>
        (it.tenant.answer = (_request, response) =>
          response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"a":')),
      'tenant_bad_answer',
    ],
    [
      'wakes too late',
      (it) => it.gates.next.push(() => ({ outcome: 'timedOut', retryAfterSeconds: 5 })),
      'tenant_not_ready',
    ],
  ])('throws where the tenant %s', async (_what, prepare, code) => {
    prepare(house);
    await expect(ask()).rejects.toMatchObject({ code });
  });

  it('goes again to the right machine with the same JSON', async () => {
    const right = await FakeTenant.start();
    right.answer = (_request, response, body) =>
      response.writeHead(201, { 'Content-Type': 'application/json' }).end(body);
    house.gates.onDistrust = () => (house.gates.origin = right.origin);
    house.tenant.early = (_request, response) => (response.writeHead(421).end('{}'), true);
    expect(await ask({ method: 'POST', json: { title: 'milk' } })).toMatchObject({
      status: 201,
      body: { title: 'milk' },
    });
    await right.stop();
  });

  it('frees its place when nobody waits any more, at the gate or at the tenant', async () => {
    const left = new AbortController();
    house.gates.next.push(() => new Promise(() => undefined));
    const held = ask({ signal: left.signal });
    left.abort(new Error('the reader left'));
    await expect(held).rejects.toThrow('the reader left');
    expect(house.gates.waiting[0]?.aborted).toBe(true);

    const leftLater = new AbortController();
    let tenantHeard = false;
    house.tenant.answer = (_request, response) => response.on('close', () => (tenantHeard = true));
    const open = ask({ signal: leftLater.signal });
    await until(() => house.tenant.seen.length === 1);
    leftLater.abort(new Error('the reader left'));
    await expect(open).rejects.toThrow('the reader left');
    await until(() => tenantHeard);
    await expect(ask({ signal: leftLater.signal })).rejects.toThrow('the reader left');
  });

  describe('with a form that is streamed on', () => {
    it('passes it on untouched', async () => {
      answerJson(201, { id: '1' });
      const body = new FormData();
      body.set('title', 'milk');
      body.set('image', new Blob([Buffer.alloc(100_000)], { type: 'image/png' }), 'a.png');
      const answer = await fetch(`${house.url}/forms/new`, { method: 'POST', body });
      expect(await answer.json()).toMatchObject({ status: 201, body: { id: '1' } });
      const { headers, body: sent } = house.tenant.seen[0] as (typeof house.tenant.seen)[0];
      expect(headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
      expect(headers['idempotency-key']).toBe('key-1');
      expect([sent.length, sent.includes('name="title"\r\n\r\nmilk')]).toEqual([
        Number(headers['content-length']),
        true,
      ]);
    });

    it('asks for it only when the machine is ready', async () => {
      answerJson(201, {});
      let letIn: (() => void) | undefined;
      house.gates.next.push((proceed) => new Promise((resolve) => (letIn = () => resolve(proceed()))));
      const socket = connect(house.port, '127.0.0.1');
      const all = everything(socket, 600);
      const lines = ['Expect: 100-continue', 'Content-Type: multipart/form-data; boundary=x', 'Content-Length: 4'];
      socket.write(head('POST', '/forms/new', lines));
      await until(() => letIn);
      await sleep(100);
      expect(socket.bytesRead).toBe(0);
      letIn?.();
      await until(() => socket.bytesRead > 0);
      socket.write('--x-');
      expect(await all).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201/);
    });

    it('reads the rest of it where the tenant answers early', async () => {
      house.tenant.early = (_request, response) => (
        response.writeHead(413, { 'Content-Type': 'application/problem+json' }).end('{"code":"image_too_large"}'),
        true
      );
      const socket = connect(house.port, '127.0.0.1');
      const all = everything(socket, 1000);
      socket.write(
        head('POST', '/forms/new', ['Content-Type: multipart/form-data; boundary=x', 'Content-Length: 8000000']),
      );
      await new Promise((resolve) => socket.write(Buffer.alloc(8_000_000), resolve));
      expect(parse(await all)).toMatchObject({
        status: 201,
        body: expect.stringContaining('image_too_large') as string,
      });
    });

    it('frees its place when the client leaves in the middle', async () => {
      const request = house.request('/forms/new', { method: 'POST', headers: { 'content-length': '1000' } });
      request.on('error', () => undefined);
      request.write('begin');
      await until(() => house.gates.open === 1);
      request.destroy();
      await until(() => house.gates.open === 0);
    });

    it('answers 504 when the client sends no more', async () => {
      const request = house.request('/forms/new', { method: 'POST', headers: { 'content-length': '1000' } });
      request.on('error', () => undefined);
      request.write('begin');
      const answer = await answerOf(request);
      expect([answer.statusCode, JSON.parse(await textOf(answer))]).toMatchObject([504, { code: 'tenant_timeout' }]);
      request.destroy();
    });
  });
});
