import { reachableFromContainer } from './host-gateway';

const ROUTES = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask
eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000
`;
const unknown = () => Promise.resolve(false);
const known = () => Promise.resolve(true);

describe('reachableFromContainer', () => {
  it.each([
    [
      'takes the default gateway on plain Linux',
      'http://host.docker.internal:4280',
      unknown,
      ROUTES,
      'http://172.17.0.1:4280',
    ],
    [
      'keeps the name on Docker Desktop',
      'http://host.docker.internal:4280',
      known,
      ROUTES,
      'http://host.docker.internal:4280',
    ],
    ['keeps any other host', 'http://127.0.0.1:4280', unknown, ROUTES, 'http://127.0.0.1:4280'],
    [
      'keeps the name where there is no route',
      'http://host.docker.internal:1',
      unknown,
      '',
      'http://host.docker.internal:1',
    ],
  ])('%s', async (_, url, resolves, routes, expected) => {
    expect(await reachableFromContainer(url, resolves, routes)).toBe(expected);
  });
});
