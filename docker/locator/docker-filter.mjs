// A filter in front of Docker's socket, for Minifly, whose containers cannot run LiteFS: they get neither /dev/fuse nor CAP_SYS_ADMIN, and
// share one network, where LiteFS's port would be open to every tenant. Everything passes as it is, byte by byte, but the making of a
// container that is one of our tenants' on LiteFS: that gets the device, the capability, and a network that only its app has.
import Docker from 'dockerode';
import { chmodSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const CREATE = /^POST (?:\/v[\d.]+)?\/containers\/create[? ]/;
const HEAD_END = '\r\n\r\n';
/** Bytes; Docker's own bound on headers is 1 MB. */
const LONGEST_HEAD = 1024 * 1024;
const LONGEST_BODY = 4 * 1024 * 1024;
const NETWORK_LABEL = 'todo.tenant-network';
/** Addresses that Docker's own choice would run out of after some thirty networks: here 4096 of 13 machines each. */
const DEFAULT_RANGE = '10.213';

/**
 * Listens on `socket` and passes to the engine at the path `engine`. `range`: the first two bytes of the networks' addresses. Gives the
 * server; ends with it.
 */
export function filterDocker({ socket, engine, range = DEFAULT_RANGE, onError }) {
  const docker = new Docker({ socketPath: engine });
  const networks = new AppNetworks(docker, range);
  const creates = createHttpServer(
    (request, response) => void answerCreate({ request, response, engine, docker, networks }),
  );
  const open = new Set();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    open.add(client);
    client.once('close', () => open.delete(client));
    route(client, engine, creates);
  });
  const stopping = new AbortController();
  server.on('error', onError);
  server.once('close', () => stopping.abort());
  rmSync(socket, { force: true });
  server.listen(socket, () => chmodSync(socket, 0o600));
  void networks.removeUnusedUntil(stopping.signal);
  return {
    close() {
      server.close();
      for (const client of open) client.destroy();
    },
  };
}

/** Reads the head of a connection's first request. There is no second: each is answered with `Connection: close`. */
function route(client, engine, creates) {
  let head = Buffer.alloc(0);
  client.on('error', () => client.destroy());
  client.on('end', () => head && client.destroy());
  client.on('data', function read(chunk) {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(HEAD_END);
    if (end < 0 && head.length <= LONGEST_HEAD) return;
    client.off('data', read);
    client.pause();
    const [text, rest] = [head.toString('latin1', 0, end), head.subarray(end)];
    const whole = head;
    head = null;
    if (end < 0) return client.destroy();
    if (!CREATE.test(text))
      return tunnel(client, engine, Buffer.concat([Buffer.from(withClose(text), 'latin1'), rest]));
    client.unshift(whole);
    creates.emit('connection', client);
    client.resume();
  });
}

/** Whatever follows is passed as it comes: chunks, the streams of attach and exec, BuildKit's sessions. */
function tunnel(client, engine, first) {
  const upstream = connect({ path: engine, allowHalfOpen: true });
  upstream.on('error', () => client.destroy());
  upstream.on('close', () => client.destroySoon());
  client.on('close', () => upstream.destroy());
  upstream.write(first);
  client.pipe(upstream).pipe(client);
}

/** An upgrade keeps its own `Connection` line; the engine then closes only where it refuses. */
function withClose(head) {
  const lines = head.split('\r\n').filter((line) => !/^connection:\s*keep-alive\s*$/i.test(line));
  return [...lines, 'Connection: close'].join('\r\n');
}

async function answerCreate({ request, response, engine, docker, networks }) {
  response.shouldKeepAlive = false;
  try {
    const body = await readBody(request);
    if (!body) return say(response, 413, `A container's configuration may have ${LONGEST_BODY} bytes.`);
    const wanted = parse(body);
    const app = appOnLitefs(wanted);
    if (!app) return await pass({ request, response, engine, body });
    // A network must not be removed between its making and the container's.
    await networks.inTurn(app, async () => {
      await networks.make(app);
      const { SecurityOptions: security } = await docker.info();
      const isConfined = (security ?? []).some((option) => /(^|=)apparmor/.test(option));
      const changed = withLitefs(wanted, app, isConfined);
      await pass({ request, response, engine, body: Buffer.from(JSON.stringify(changed)) });
    });
  } catch (error) {
    if (response.headersSent) response.destroy();
    else say(response, 502, `The filter could not ask Docker: ${error.message}`);
  }
}

/** The app's name where the container is one of our tenants' and is to run on LiteFS, by what Minifly says of it; else null. */
function appOnLitefs(config) {
  const { Labels: labels, Env: env } = config ?? {};
  if (!Array.isArray(env) || labels?.['minifly.managed'] !== 'true' || !labels['minifly.machine_id']) return null;
  const has = (name) =>
    env.some((one) => typeof one === 'string' && one.startsWith(`${name}=`) && one.length > name.length + 1);
  const app = labels['minifly.app_name'];
  return /^todo-user-[a-z0-9-]+$/.test(app) && has('TENANT_ID') && has('LITEFS_LEASE') ? app : null;
}

function withLitefs(config, app, isConfined) {
  const host = config.HostConfig ?? {};
  const fuse = { PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'rwm' };
  return {
    ...config,
    HostConfig: {
      ...host,
      Devices: [...(host.Devices ?? []), fuse],
      CapAdd: [...(host.CapAdd ?? []), 'SYS_ADMIN'],
      ...(isConfined && { SecurityOpt: [...(host.SecurityOpt ?? []), 'apparmor=unconfined'] }),
      NetworkMode: app,
    },
    NetworkingConfig: { EndpointsConfig: { [app]: {} } },
  };
}

function pass({ request, response, engine, body }) {
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !['connection', 'transfer-encoding', 'expect'].includes(name)),
  );
  const options = { socketPath: engine, agent: false, method: request.method, path: request.url };
  return new Promise((done, fail) => {
    const upstream = httpRequest({ ...options, headers: { ...headers, 'content-length': body.length } }, (answer) => {
      response.writeHead(answer.statusCode, { ...answer.headers, connection: 'close' });
      answer.pipe(response).on('close', done);
      answer.on('error', fail);
    });
    upstream.on('error', fail);
    upstream.end(body);
  });
}

/** The networks of our apps, each named after its app, and there as long as the app has a container, running or not. */
class AppNetworks {
  #turns = new Map();

  constructor(docker, range) {
    this.docker = docker;
    this.range = range;
  }

  /** One thing after the other for each app. */
  inTurn(app, act) {
    const turn = (this.#turns.get(app) ?? Promise.resolve()).then(act);
    const after = turn.catch(() => undefined).then(() => this.#turns.get(app) === after && this.#turns.delete(app));
    this.#turns.set(app, after);
    return turn;
  }

  async make(app) {
    if (await this.#isThere(app)) return;
    const taken = new Set(
      (await this.docker.listNetworks()).flatMap(({ IPAM: ipam }) => (ipam?.Config ?? []).map(({ Subnet }) => Subnet)),
    );
    for (let i = 0; i < 4096; i += 1) {
      const Subnet = `${this.range}.${i >> 4}.${(i & 15) * 16}/28`;
      if (taken.has(Subnet)) continue;
      try {
        const Labels = { [NETWORK_LABEL]: 'true' };
        await this.docker.createNetwork({
          Name: app,
          CheckDuplicate: true,
          Driver: 'bridge',
          Labels,
          IPAM: { Config: [{ Subnet }] },
        });
        return;
      } catch (error) {
        // Somebody took the addresses at the same moment, for another app.
        if (!/overlap/i.test(error.message)) throw error;
      }
    }
    throw new Error(`all of ${this.range}.0.0/16 is taken`);
  }

  async #isThere(app) {
    const found = await this.docker.listNetworks({ filters: { name: [app], label: [NETWORK_LABEL] } });
    return found.some(({ Name: name }) => name === app);
  }

  /** What has no container left, now and whenever a container was removed. The engine may be away: it is asked again. */
  async removeUnusedUntil(signal) {
    while (!signal.aborted) {
      try {
        const filters = { type: ['container'], event: ['destroy'], label: ['minifly.managed=true'] };
        const events = await this.docker.getEvents({ filters, abortSignal: signal });
        await this.#removeUnused();
        for await (const { length } of events) if (length > 0) await this.#removeUnused();
      } catch {
        // Asked again below.
      }
      await sleep(1000, undefined, { signal }).catch(() => undefined);
    }
  }

  async #removeUnused() {
    const networks = await this.docker.listNetworks({ filters: { label: [NETWORK_LABEL] } });
    for (const { Name: app, Id: id } of networks) {
      await this.inTurn(app, async () => {
        const filters = { label: [`minifly.app_name=${app}`] };
        // A stopped container cannot start without its network, and Docker would remove it.
        if ((await this.docker.listContainers({ all: true, filters })).length > 0) return;
        await this.docker
          .getNetwork(id)
          .remove()
          .catch(() => undefined);
      });
    }
  }
}

/** Null where it is too long; it is read to its end all the same, for whoever sends it to hear the answer. */
async function readBody(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= LONGEST_BODY) chunks.push(chunk);
  }
  return length <= LONGEST_BODY ? Buffer.concat(chunks) : null;
}

/** Null for what is no JSON: the engine says what it thinks of it. */
function parse(body) {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}

function say(response, status, message) {
  response
    .writeHead(status, { 'content-type': 'application/json', connection: 'close' })
    .end(JSON.stringify({ message }));
}
