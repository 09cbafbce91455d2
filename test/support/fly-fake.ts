import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApiRequest } from './fly-openapi';

export interface FakeVolume {
  id: string;
  name: string;
  region: string;
  size_gb: number;
  state: string;
  attached_machine_id: string | null;
  created_at: string;
  source?: string;
}

export interface FakeMachine {
  id: string;
  name: string;
  region: string;
  state: string;
  version: string;
  config: Record<string, unknown> | undefined;
  incomplete_config?: Record<string, unknown>;
  host_status: string;
  updated_at: string;
  /** States that it goes through, one at each look. */
  next: string[];
}

export interface FakeApp {
  name: string;
  network: string;
  ips: { ip: string; shared: boolean }[];
  volumes: FakeVolume[];
  machines: FakeMachine[];
}

/** What happens to the requests that the pattern fits, in the place of their answer; `times` unset: once. */
export interface Fault {
  /** Of `METHOD /path`, without `/v1` and the query. */
  on: RegExp;
  times?: number;
  /** `reset`: nothing is carried out, the connection breaks. `lost`: it is carried out, and the connection breaks before the answer. */
  act: 'reset' | 'lost' | { status: number; body?: unknown; headers?: Record<string, string> };
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly body: unknown,
  ) {
    super(JSON.stringify(body));
  }
}

/**
 * Fly's Machines API as far as a tenant's life goes, in memory and without waiting: what Fly answers when all is well, and whatever a test
 * makes it answer instead. Apps of `elsewhere` belong to another organisation.
 */
export class FlyFake {
  /** With when they came, ms. */
  readonly requests: (ApiRequest & { at: number })[] = [];
  /** What requests said in `Authorization`. */
  readonly authorizations = new Set<string | undefined>();
  readonly apps = new Map<string, FakeApp>();
  readonly elsewhere = new Set<string>();
  /** What the token is good for. */
  token: Record<string, unknown> = { org_slug: 'acme', organization: 'Acme', token_id: 't1' };
  /** An update is taken on, and then the machine goes back to what it was. */
  revertsUpdates = false;
  private readonly faults: Required<Fault>[] = [];
  private readonly server: Server = createServer((request, response) => void this.serve(request, response));
  private count = 0;

  static async start(): Promise<FlyFake> {
    const fake = new FlyFake();
    fake.server.listen(0, '127.0.0.1');
    await once(fake.server, 'listening');
    return fake;
  }

  /** What sets a control plane up for Fly, and for this one in its place. */
  get env(): Record<string, string> {
    return {
      FLY_API_TOKEN: 'FlyV1 a-token',
      FLY_ORG: 'acme',
      MINIFLY_API_URL: this.url,
      TENANT_IMAGE: 'registry.fly.io/todo-tenant:1',
    };
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`; // it listens on TCP
  }

  fault(...faults: Fault[]): void {
    this.faults.push(...faults.map((fault) => ({ times: 1, ...fault })));
  }

  /** How many requests there were, of `METHOD /path`. */
  asked(pattern: RegExp): ApiRequest[] {
    return this.requests.filter(({ method, path }) => pattern.test(`${method} ${path}`));
  }

  app(name: string): FakeApp {
    const app = this.apps.get(name);
    if (!app) throw new Refusal(404, { error: 'app not found' });
    return app;
  }

  machine(app: string, id: string): FakeMachine {
    const machine = this.app(app).machines.find((one) => one.id === id);
    if (!machine) throw new Refusal(404, { error: 'machine not found' });
    return machine;
  }

  async close(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fly');
    const text = (await request.toArray()).join('');
    const asked = {
      at: performance.now(),
      method: request.method ?? '',
      path: url.pathname.replace(/^\/v1/, ''),
      query: url.searchParams,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    };
    this.requests.push(asked);
    this.authorizations.add(request.headers.authorization);
    const act = this.takeFault(asked)?.act;
    if (act === 'reset') return void request.socket.destroy();
    if (typeof act === 'object') return send(response, act.status, act.body, act.headers);
    const { status, body } = this.answer(asked);
    if (act === 'lost') return void request.socket.destroy();
    send(response, status, body);
  }

  private takeFault({ method, path }: ApiRequest): Fault | undefined {
    const fault = this.faults.find(({ on, times }) => times > 0 && on.test(`${method} ${path}`));
    if (fault) fault.times -= 1;
    return fault;
  }

  private answer(request: ApiRequest): { status: number; body: unknown } {
    try {
      return this.carryOut(request);
    } catch (error) {
      if (error instanceof Refusal) return { status: error.status, body: error.body };
      throw error;
    }
  }

  private carryOut({ method, path, query, body }: ApiRequest): { status: number; body: unknown } {
    if (path === '/tokens/current') return ok({ tokens: [this.token] });
    const [, , app = '', noun = '', id = '', verb = ''] = path.split('/');
    const fields = (body ?? {}) as Record<string, unknown>;
    switch (`${method} ${[app && 'app', noun, id && 'id', verb].filter(Boolean).join(' ')}`) {
      case 'POST ':
        return { status: 201, body: this.createApp(fields) };
      case 'GET app':
        if (this.elsewhere.has(app)) throw new Refusal(403, { error: 'You are not authorized to view this app' });
        return ok({ id: app, name: app, network: this.app(app).network, status: 'deployed' });
      case 'DELETE app':
        this.app(app);
        this.apps.delete(app);
        return { status: 202, body: undefined };
      case 'GET app ip_assignments':
        return ok({ ips: this.app(app).ips });
      case 'POST app ip_assignments':
        return ok(this.assignIp(app, fields['type']));
      case 'GET app volumes':
        return ok(this.app(app).volumes);
      case 'POST app volumes':
        return ok(this.createVolume(app, fields));
      case 'GET app volumes id':
        return ok(this.volume(app, id));
      case 'DELETE app volumes id':
        return ok(this.deleteVolume(app, id));
      case 'GET app machines':
        return ok(this.app(app).machines.filter(({ state }) => state !== 'destroyed' || query.has('include_deleted')));
      case 'POST app machines':
        return ok(this.createMachine(app, fields));
      case 'GET app machines id':
        return ok(this.look(app, id));
      case 'POST app machines id':
        return ok(this.update(app, id, fields));
      case 'DELETE app machines id':
        this.destroyMachine(app, id);
        return ok({ ok: true });
      case 'POST app machines id start':
        return ok({ previous_state: this.become(app, id, 'started') });
      case 'POST app machines id stop':
        this.become(app, id, 'stopped');
        return ok({ ok: true });
      case 'POST app machines id suspend':
        this.become(app, id, 'suspended');
        return ok({ ok: true });
      case 'GET app machines id wait':
        return this.wait(app, id, query);
      default:
        throw new Refusal(404, { error: `page not found: ${method} ${path}` });
    }
  }

  private createApp({ app_name: name, network }: Record<string, unknown>): unknown {
    const isTaken = this.apps.has(name as string) || this.elsewhere.has(name as string);
    if (isTaken)
      throw new Refusal(422, { error: 'Validation failed: Name has already been taken', status: 'name_taken' });
    this.apps.set(name as string, {
      name: name as string,
      network: network as string,
      ips: [],
      volumes: [],
      machines: [],
    });
    return { id: `app${(this.count += 1)}`, created_at: 1_790_000_000_000 };
  }

  private assignIp(app: string, type: unknown): unknown {
    const number = (this.count += 1);
    const prefix = type === 'private_v6' ? 'fdaa:0:18:0:1::' : type === 'v6' ? '2a09:8280:1::' : '66.241.124.';
    const ip = { ip: `${prefix}${number}`, shared: type === 'shared_v4' };
    this.app(app).ips.push(ip);
    return ip;
  }

  private createVolume(app: string, fields: Record<string, unknown>): FakeVolume {
    const source = fields['source_volume_id'] as string | undefined;
    const volume: FakeVolume = {
      id: `vol_${(this.count += 1)}`,
      name: fields['name'] as string,
      region: fields['region'] as string,
      size_gb: (fields['size_gb'] as number | undefined) ?? 3,
      state: 'created',
      attached_machine_id: null,
      created_at: new Date().toISOString(),
      ...(source ? { source } : {}),
    };
    this.app(app).volumes.push(volume);
    return volume;
  }

  private volume(app: string, id: string): FakeVolume {
    const volume = this.app(app).volumes.find((one) => one.id === id);
    if (!volume) throw new Refusal(404, { error: 'volume not found' });
    return volume;
  }

  /** Shown for a day after, as Fly does. */
  private deleteVolume(app: string, id: string): FakeVolume {
    const volume = this.volume(app, id);
    const { attached_machine_id: machine } = volume;
    if (machine)
      throw new Refusal(412, { error: `failed_precondition: volume is currently bound to machine: ${machine}` });
    volume.state = 'pending_destroy';
    return volume;
  }

  private createMachine(app: string, fields: Record<string, unknown>): FakeMachine {
    const name = fields['name'] as string;
    const existing = this.app(app).machines.find((one) => one.name === name && one.state !== 'destroyed');
    if (existing) {
      const error = `already_exists: unique machine name violation, machine ID ${existing.id} already exists with name ${name}`;
      throw new Refusal(409, { error });
    }
    const config = fields['config'] as Record<string, unknown>;
    const [mount] = (config['mounts'] ?? []) as { volume: string }[];
    const volume = mount && this.volume(app, mount.volume);
    if (volume && volume.region !== fields['region'])
      throw new Refusal(412, { error: 'the volume is in another region' });
    const machine: FakeMachine = {
      id: `d${String((this.count += 1)).padStart(13, '0')}`,
      name,
      region: fields['region'] as string,
      state: 'created',
      version: this.newVersion(),
      config: readBack(config),
      host_status: 'ok',
      updated_at: String(this.count),
      next: ['stopped'],
    };
    if (volume) volume.attached_machine_id = machine.id;
    this.app(app).machines.push(machine);
    return { ...machine };
  }

  private look(app: string, id: string): unknown {
    const machine = this.machine(app, id);
    machine.state = machine.next.shift() ?? machine.state;
    const { next: _, ...shown } = machine;
    return { ...shown, instance_id: machine.version };
  }

  private update(app: string, id: string, fields: Record<string, unknown>): unknown {
    const machine = this.machine(app, id);
    const { version, config } = machine;
    if (fields['current_version'] !== undefined && fields['current_version'] !== version) {
      throw new Refusal(412, { error: `failed_precondition: machine version is ${version}` });
    }
    machine.version = this.newVersion();
    machine.config = readBack(fields['config'] as Record<string, unknown>);
    machine.next = ['replacing', machine.state];
    const answer = { ...machine };
    if (this.revertsUpdates) Object.assign(machine, { version, config });
    return answer;
  }

  private destroyMachine(app: string, id: string): void {
    this.machine(app, id).state = 'destroyed';
    for (const volume of this.app(app).volumes)
      if (volume.attached_machine_id === id) volume.attached_machine_id = null;
  }

  private become(app: string, id: string, state: string): string {
    const machine = this.machine(app, id);
    const previous = machine.state;
    machine.state = state;
    machine.next = [];
    machine.updated_at = String((this.count += 1));
    return previous;
  }

  private wait(app: string, id: string, query: URLSearchParams): { status: number; body: unknown } {
    const { state, version } = this.machine(app, id);
    const wanted = query.getAll('state');
    if (wanted.includes(state)) return ok({ ok: true, state, version });
    const error = `deadline_exceeded: machine failed to reach desired state, ${wanted.join(', ')}, currently ${state}`;
    return { status: 408, body: { error } };
  }

  private newVersion(): string {
    return `01FAKE${String((this.count += 1)).padStart(20, '0')}`;
  }
}

/** Fly gives `autostop` back as a boolean. */
function readBack(config: Record<string, unknown>): Record<string, unknown> {
  const services = ((config['services'] ?? []) as object[]).map((service) => ({ ...service, autostop: false }));
  return { ...config, services, init: {} };
}

const ok = (body: unknown) => ({ status: 200, body });

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'fly-request-id': '01FAKEREQUEST', ...headers });
  if (body === undefined) response.end();
  else response.end(typeof body === 'string' ? body : JSON.stringify(body));
}
