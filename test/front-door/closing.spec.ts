import { Agent, request as httpRequest, type ServerResponse } from 'node:http';
import { FrontDoor } from '../../apps/control-plane/src/front-door/front-door';
import { until } from '../support/until';
import { House, answerOf, textOf } from './support/house';

describe('the end of the process', () => {
  it('lets what is under way finish, takes no new request, and leaves no socket', async () => {
    const house = await House.open();
    let theirs!: ServerResponse;
    house.tenant.answer = (_request, response) => {
      theirs = response;
      response.write('begin ');
    };
    const agent = new Agent({ keepAlive: true });
    const options = { host: '127.0.0.1', port: house.port, headers: { cookie: 'session=alice' }, agent };
    await new Promise((resolve) =>
      httpRequest({ ...options, path: '/who' }, (r) => r.resume().on('end', resolve)).end(),
    );
    const download = house.request('/api/v1/export');
    download.end();
    const answer = await answerOf(download);

    const closed = house.app.close();
    await expect(fetch(`${house.url}/who`)).rejects.toThrow();
    theirs.end('end');
    expect(await textOf(answer)).toBe('begin end');
    await closed;
    expect(await house.gauge('openConnections')).toBe(0);
    expect(house.gates.open).toBe(0);
    agent.destroy();
    await house.gates.close();
    await house.tenant.stop();
  });

  it('turns away a request that still comes, and tells it to come again', async () => {
    const house = await House.open();
    house.app.get(FrontDoor).startClosing();
    for (const path of ['/who', '/api/v1/todos', '/healthz']) {
      const late = await house.get(path);
      expect([late.status, late.headers.get('connection'), late.headers.get('retry-after')]).toEqual([
        503,
        'close',
        '2',
      ]);
    }
    expect(house.tenant.seen).toHaveLength(0);
    await house.close();
  });

  it('counts every socket back to zero after traffic of all kinds', async () => {
    const house = await House.open();
    const agent = new Agent({ keepAlive: true });
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const path = ['/api/v1/todos', '/who', '/api/v1/todos//', '/nowhere'][i % 4] as string;
        const request = httpRequest({
          host: '127.0.0.1',
          port: house.port,
          path,
          agent,
          headers: { cookie: 'session=alice' },
        });
        request.on('error', () => undefined);
        request.end();
        if (i % 5 === 0) setTimeout(() => request.destroy(), i % 7);
        else await textOf(await answerOf(request));
      }),
    );
    expect(await house.gauge('openConnections')).toBeGreaterThan(0);
    agent.destroy();
    await until(async () => (await house.gauge('openConnections')) === 0);
    await until(() => house.gates.open === 0);
    expect(await house.gauge('proxiedOpen')).toBe(0);
    await house.close();
  });
});
