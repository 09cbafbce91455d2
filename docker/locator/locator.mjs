// Says where the containers are that Minifly made, and nothing else of Docker: for a control plane that runs in a container and must
// not get Docker's socket. One question: GET /v1/containers?app=<name> -> [{machineId, appName, state, exitCode, address, ports}].
//   LOCATOR_DIR    where `locator.sock` is put, which whoever reaches it may ask, and `port` and `token` of the port
//   LOCATOR_PORT   a TCP port as well, on all addresses, for who bears the token
//   FILTER_SOCKET  a socket for Minifly as well, which stands in front of Docker's: docker-filter.mjs
//   FILTER_RANGE   the first two bytes of the addresses of the networks that the filter makes (default 10.213)
import Docker from 'dockerode';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { filterDocker } from './docker-filter.mjs';

const { LOCATOR_DIR: folder, LOCATOR_PORT: port, FILTER_SOCKET: filterSocket, FILTER_RANGE: range } = process.env;
const STATES = { created: 'created', running: 'started', restarting: 'starting', exited: 'stopped', dead: 'stopped' };
const docker = new Docker();
const servers = [];

if (!folder) fail('LOCATOR_DIR has to say where the socket goes.');
mkdirSync(folder, { recursive: true });
// The path of a socket has 107 characters at most; seen from its own folder it is short wherever that lies.
process.chdir(folder);
const socket = 'locator.sock';
rmSync(socket, { force: true });
// In its container the control plane is another user than the one who started this.
listen(createServer(answer), socket, () => chmodSync(socket, 0o666));
if (port) {
  const token = Buffer.from(readToken('token'));
  const guarded = (request, response) =>
    bears(request, token) ? answer(request, response) : say(response, 401, 'The token is missing or wrong.');
  listen(createServer(guarded), Number(port), () => writeFileSync('port', port));
}
const filter = filterSocket ? startFilter() : null;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    filter?.close();
    for (const server of servers) server.close().closeAllConnections();
  });
}

function startFilter() {
  const engine = (process.env.DOCKER_HOST || '/var/run/docker.sock').replace(/^unix:\/\//, '');
  if (!engine.startsWith('/')) fail('The filter stands before a socket: DOCKER_HOST has to be the path of one.');
  const onError = (error) => fail(`The filter cannot listen on ${filterSocket}: ${error.message}`);
  return filterDocker({ socket: filterSocket, engine, range: range || undefined, onError });
}

async function answer(request, response) {
  if (request.method !== 'GET') return say(response, 405, 'There is only GET.');
  const [, app] = /^\/v1\/containers\?app=([a-z0-9-]{1,63})$/.exec(request.url) ?? [];
  if (!app) return say(response, 404, 'The only question is /v1/containers?app=<name>.');
  try {
    const label = ['minifly.managed=true', `minifly.app_name=${app}`];
    const containers = await docker.listContainers({ all: true, filters: { label } });
    say(response, 200, containers.map(toLocated));
  } catch (error) {
    say(response, 502, `Docker did not answer: ${error.message}`);
  }
}

/** `address`: in Docker's own bridge. A container in its app's network has none there; `ports` are the host's, by the container's. */
function toLocated({ Labels: labels, State: state, Status: status, NetworkSettings: network, Ports: ports }) {
  const exit = /^Exited \((\d+)\)/.exec(status);
  const address = network?.Networks?.bridge?.IPAddress ?? '';
  const published = ports.filter(({ PublicPort: outside }) => outside);
  return {
    machineId: labels['minifly.machine_id'] ?? '',
    appName: labels['minifly.app_name'] ?? '',
    state: STATES[state] ?? 'stopping',
    exitCode: exit ? Number(exit[1]) : null,
    address: state === 'running' && address !== '' ? address : null,
    ports: Object.fromEntries(published.map(({ PrivatePort: inside, PublicPort: outside }) => [inside, outside])),
  };
}

function bears(request, token) {
  const given = Buffer.from(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '');
  return given.length === token.length && timingSafeEqual(given, token);
}

function readToken(file) {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    // Readable by whoever may enter the folder, as the socket is.
    writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o644 });
    return readFileSync(file, 'utf8');
  }
}

function listen(server, where, onListening) {
  server.on('error', (error) => fail(`The locator cannot listen on ${where} in ${folder}: ${error.message}`));
  server.listen(where, () => {
    onListening();
    console.log(`The locator listens on ${typeof where === 'string' ? `${folder}/${where}` : `port ${where}`}.`);
  });
  servers.push(server);
}

function say(response, status, body) {
  const content = status === 200 ? body : { error: body };
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
