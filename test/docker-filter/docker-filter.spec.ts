import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { until } from '../support/until';

/** docker/locator/docker-filter.mjs, as docker/minifly.sh starts it, before an engine that writes down what reaches it. */
const PROGRAM = resolve(__dirname, '../../docker/locator/locator.mjs');
const APP = 'todo-user-0123456789abcdef';
const TENANTS = {
  Image: 'tenant-todo-local:latest',
  Labels: { 'minifly.managed': 'true', 'minifly.machine_id': 'd1', 'minifly.app_name': APP },
  Env: ['TENANT_ID=t1', 'LITEFS_LEASE=static'],
  HostConfig: { Memory: 1, PortBindings: { '3000/tcp': [{ HostPort: '0' }] } },
};

interface Network {
  Id: string;
  Name: string;
  Labels: Record<string, string>;
  IPAM: { Config: { Subnet: string }[] };
}

let folder: string;
let engine: Engine;
let filter: ChildProcess;
const socket = () => join(folder, 'filter.sock');

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'filter-'));
  engine = new Engine();
  await engine.listen(join(folder, 'engine.sock'));
  filter = spawn(process.execPath, [PROGRAM], {
    env: {
      LOCATOR_DIR: join(folder, 'locator'),
      FILTER_SOCKET: socket(),
      DOCKER_HOST: `unix://${join(folder, 'engine.sock')}`,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await until(() => existsSync(socket()) && engine.events !== null, { what: 'the filter to listen', pollMs: 20 });
});
afterEach(async () => {
  const ended = new Promise((done) => filter.once('exit', done));
  filter.kill('SIGTERM');
  await ended;
  engine.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("a tenant's container on LiteFS", () => {
  it.each(['/v1.43/containers/create?name=a', '/containers/create'])(
    'gets the device, the capability and its own network: %s',
    async (path) => {
      const answer = await ask('POST', path, JSON.stringify(TENANTS));
      expect(answer).toMatchObject({ status: 201, body: '{"Id":"made"}' });
      expect(engine.created).toEqual([
        {
          path,
          config: {
            ...TENANTS,
            HostConfig: {
              ...TENANTS.HostConfig,
              Devices: [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'rwm' }],
              CapAdd: ['SYS_ADMIN'],
              NetworkMode: APP,
            },
            NetworkingConfig: { EndpointsConfig: { [APP]: {} } },
          },
        },
      ]);
      expect(engine.networks).toMatchObject([{ Name: APP, IPAM: { Config: [{ Subnet: '10.213.0.0/28' }] } }]);
    },
  );

  it('is let mount where AppArmor would forbid it', async () => {
    engine.security = ['name=seccomp,profile=default', 'name=apparmor'];
    await ask('POST', '/containers/create', JSON.stringify(TENANTS));
    expect(engine.created[0]?.config).toMatchObject({ HostConfig: { SecurityOpt: ['apparmor=unconfined'] } });
  });

  it('shares its network with those of its app alone, also when many are made at once', async () => {
    const of = (app: string) => JSON.stringify({ ...TENANTS, Labels: { ...TENANTS.Labels, 'minifly.app_name': app } });
    const apps = ['todo-user-a', 'todo-user-b', 'todo-user-a', 'todo-user-c', 'todo-user-b'];
    const answers = await Promise.all(apps.map((app) => ask('POST', '/containers/create', of(app))));
    expect(answers.map(({ status }) => status)).toEqual(apps.map(() => 201));
    expect(engine.networks.map(({ Name: name }) => name).sort()).toEqual(['todo-user-a', 'todo-user-b', 'todo-user-c']);
    expect(new Set(engine.networks.map(({ IPAM: ipam }) => ipam.Config[0]?.Subnet)).size).toBe(3);
  });

  it('takes its network along when it is the last one that is removed', async () => {
    await ask('POST', '/containers/create', JSON.stringify(TENANTS));
    engine.containers = 1;
    engine.say({ Action: 'destroy' });
    await until(() => engine.asked.some((line) => line.startsWith('GET /containers/json')), { what: 'the look' });
    expect(engine.networks).toHaveLength(1);
    engine.containers = 0;
    engine.say({ Action: 'destroy' });
    await until(() => engine.networks.length === 0, { what: 'the network to go' });
  });
});

describe('any other container', () => {
  const { Labels, Env } = TENANTS;
  it.each([
    ['of nobody', { Image: 'x' }],
    ['of another app', { ...TENANTS, Labels: { ...Labels, 'minifly.app_name': 'shop' } }],
    ['not made by Minifly', { ...TENANTS, Labels: { 'minifly.app_name': APP } }],
    ['without a machine', { ...TENANTS, Labels: { ...Labels, 'minifly.machine_id': '' } }],
    ['without a tenant', { ...TENANTS, Env: ['LITEFS_LEASE=static'] }],
    ['on a plain directory', { ...TENANTS, Env: Env.slice(0, 1) }],
    ['whose environment is none', { ...TENANTS, Env: 'TENANT_ID=t1' }],
  ])('%s is made as it was asked for', async (_, config) => {
    await ask('POST', '/v1.43/containers/create', JSON.stringify(config));
    expect(engine.created).toEqual([{ path: '/v1.43/containers/create', config }]);
    expect(engine.networks).toEqual([]);
  });

  it('is refused by the engine, not here, when it is no JSON, and here when it is endless', async () => {
    expect(await ask('POST', '/containers/create', '{"Labels":')).toMatchObject({ status: 400 });
    expect(await ask('POST', '/containers/create', 'x'.repeat(5 * 1024 * 1024))).toMatchObject({ status: 413 });
  });
});

describe('everything else', () => {
  it('passes whole, in chunks and large', async () => {
    const large = 'y'.repeat(20 * 1024 * 1024);
    expect(await ask('POST', '/v1.43/build?t=x', large)).toMatchObject({ status: 200, body: String(large.length) });
    expect(engine.asked).toContain('POST /v1.43/build?t=x chunked');
  });

  it('streams: what the engine says is there before it ends', async () => {
    const answer = await new Promise<IncomingMessage>((done) =>
      request({ socketPath: socket(), path: '/v1.43/events?type=image' }, done).end(),
    );
    const lines = answer[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    engine.say({ Action: 'pull' });
    const first = await lines.next();
    expect(String(first.value)).toContain('"pull"');
    answer.destroy();
  });

  it('may take over the connection, both ways', async () => {
    const client = connect(socket());
    client.write('POST /v1.43/exec/1/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    let said = '';
    client.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until(() => said.includes('101 UPGRADED'), { what: 'the upgrade' });
    client.write('hello');
    await until(() => said.endsWith('echo hello'), { what: () => `the echo in ${said}` });
    client.end();
    await until(() => client.closed, { what: 'the end' });
  });

  it('lets a connection have one request, so that none slips by', async () => {
    const client = connect(socket());
    let said = '';
    client.on('data', (chunk: Buffer) => (said += chunk.toString()));
    client.write('GET /v1.43/info HTTP/1.1\r\nHost: d\r\nConnection: keep-alive\r\n\r\n');
    await until(() => client.closed, { what: 'the connection to close' });
    expect(said).toMatch(/^HTTP\/1.1 200 [^]*\r\nconnection: close\r\n/i);
  });
});

/** Docker's engine as far as the filter sees it. */
class Engine {
  readonly created: { path: string; config: unknown }[] = [];
  readonly asked: string[] = [];
  readonly networks: Network[] = [];
  security = ['name=seccomp,profile=default'];
  /** How many containers of whatever app there are. */
  containers = 0;
  events: Set<NodeJS.WritableStream> | null = null;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((asking, answering) => {
    const chunks: Buffer[] = [];
    asking.on('data', (chunk: Buffer) => chunks.push(chunk));
    asking.on('end', () => {
      const url = new URL(asking.url ?? '/', 'http://engine');
      const path = url.pathname.replace(/^\/v[\d.]+/, '');
      const body = Buffer.concat(chunks).toString();
      this.asked.push(`${asking.method} ${asking.url} ${asking.headers['transfer-encoding'] ?? ''}`.trim());
      if (path === '/events') {
        answering.writeHead(200).flushHeaders();
        (this.events ??= new Set()).add(answering);
        return;
      }
      const [status, content] = this.answer(`${asking.method} ${path}`, asking.url ?? '', body);
      answering.writeHead(status, { 'content-type': 'application/json' }).end(content);
    });
  });

  async listen(path: string): Promise<void> {
    this.server.on('connection', (one) => this.sockets.add(one));
    this.server.on('upgrade', (_, one: Socket) => {
      one.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
      one.on('data', (chunk: Buffer) => one.write(`echo ${chunk.toString()}`));
      one.on('end', () => one.end());
    });
    await new Promise<void>((done) => this.server.listen(path, done));
  }

  say(event: object): void {
    for (const stream of this.events ?? []) stream.write(`${JSON.stringify(event)}\n`);
  }

  close(): void {
    this.server.close();
    for (const one of this.sockets) one.destroy();
  }

  private answer(what: string, url: string, body: string): [number, string] {
    switch (what.replace(/networks\/n\d+/, 'networks/<id>')) {
      case 'POST /containers/create':
        return this.create(url, body);
      case 'GET /containers/json':
        return [200, JSON.stringify(Array.from({ length: this.containers }, () => ({ Id: 'c' })))];
      case 'GET /info':
        return [200, JSON.stringify({ SecurityOptions: this.security })];
      case 'GET /networks':
        return [200, JSON.stringify(this.networks)];
      case 'POST /networks/create':
        return this.createNetwork(JSON.parse(body) as Network);
      case 'DELETE /networks/<id>':
        this.networks.splice(0, 1);
        return [204, ''];
      case 'POST /build':
        return [200, String(body.length)];
      default:
        return [404, JSON.stringify({ message: `no ${what}` })];
    }
  }

  private create(path: string, body: string): [number, string] {
    try {
      this.created.push({ path, config: JSON.parse(body) as unknown });
      return [201, '{"Id":"made"}'];
    } catch {
      return [400, '{"message":"no JSON"}'];
    }
  }

  private createNetwork(network: Network): [number, string] {
    const subnet = network.IPAM.Config[0]?.Subnet;
    if (this.networks.some(({ IPAM: ipam }) => ipam.Config[0]?.Subnet === subnet)) {
      return [403, '{"message":"Pool overlaps with other one on this address space"}'];
    }
    this.networks.push({ ...network, Id: `n${this.networks.length}` });
    return [201, '{"Id":"n"}'];
  }
}

/** In chunks, as Docker's clients send what they do not know the length of. */
function ask(method: string, path: string, body: string): Promise<{ status: number | undefined; body: string }> {
  return new Promise((done, fail) => {
    const asking = request({ socketPath: socket(), method, path, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => done({ status: answer.statusCode, body: text }));
      answer.on('error', fail);
    });
    asking.on('error', fail);
    asking.write(body.slice(0, 5));
    asking.end(body.slice(5));
  });
}
