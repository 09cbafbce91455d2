import { listen } from '@app/common/http/listen';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { request } from 'undici';
import { StandingClock } from '../../../../test/support/accounts';
import { TenantTokenSigner } from '../machines/token-signer';
import { MachineRoute } from './machine-route';

describe('MachineRoute', () => {
  it('says with every request what the machine’s address asks for, and keeps what was said besides', async () => {
    const seen: IncomingHttpHeaders[] = [];
    const server = createServer((asked, response) => {
      seen.push(asked.headers);
      response.end();
    });
    const { port } = await listen(server, 0, '127.0.0.1');
    const clock = new StandingClock();
    const target = (headers: Record<string, string>) => ({
      tenantId: 't',
      appName: 'todo-user-1',
      databaseId: 'd',
      epoch: 1,
      address: { origin: `http://127.0.0.1:${port}`, headers },
      machine: { appName: 'todo-user-1', machineId: 'm1' },
    });
    const signer = new TenantTokenSigner(['a secret of the tests'], clock);
    for (const headers of [{ 'x-instance': 'm1' }, {}] as Record<string, string>[]) {
      const route = await MachineRoute.open(target(headers), signer, clock);
      const { body } = await request(route.origin, { dispatcher: route.dispatcher, headers: ['accept', 'text/html'] });
      await body.dump();
      await route.destroy();
    }
    server.close();
    expect(seen.map((headers) => [headers['x-instance'], headers.accept])).toEqual([
      ['m1', 'text/html'],
      [undefined, 'text/html'],
    ]);
  });
});
