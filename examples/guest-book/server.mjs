// A guest book for one person's guests, and the smallest image that does all of docs/TENANT-CONTRACT.md: GET and POST /entries, and
// the WebSocket /live, which takes entries and tells of each new one. docs/ANOTHER-IMAGE.md goes through it.
import { createServer, STATUS_CODES } from 'node:http';
import { WebSocketServer } from 'ws';
import { letIn, Refusal } from './access.mjs';
import { config } from './config.mjs';
import { openVolume } from './volume.mjs';

const MOST_BODY_BYTES = 16 * 1024;
const MOST_SOCKETS = 32;
const PING_MS = 20_000; // the control plane ends a WebSocket after 60 s without a byte
const SUPERSEDED_EXIT_MS = 200;
const STOP_MS = 4000;

const volume = openVolume();
const list = volume.db.prepare('SELECT id, name, text, at FROM entries ORDER BY id DESC LIMIT 200');
const insert = volume.db.prepare('INSERT INTO entries (name, text, at) VALUES (?, ?, ?) RETURNING id, name, text, at');
let isStopping = false;
let isSuperseded = false;

const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => void answer(request, response));
server.on('checkContinue', (request, response) => void answer(request, response, () => response.writeContinue()));
server.on('upgrade', upgrade);
const sockets = new WebSocketServer({ noServer: true, maxPayload: MOST_BODY_BYTES });
const pings = setInterval(() => sockets.clients.forEach((socket) => socket.ping()), PING_MS);
server.listen(config.port, config.host);
process.on('SIGTERM', stop).on('SIGINT', stop);

async function answer(request, response, sendContinue = () => undefined) {
  try {
    const { pathname } = new URL(request.url, 'http://tenant');
    if (pathname === '/healthz')
      return sendJson(response, isStopping ? 503 : 200, { status: isStopping ? 'stopping' : 'ok' });
    if (pathname === '/readyz') return ready(response);
    if (pathname === '/metrics') return sendMetrics(response);
    check(request); // before a byte of the body is read
    if (pathname !== '/entries')
      throw new Refusal(404, 'not_found', 'This app is a guest book: its entries are at /api/v1/entries.');
    if (request.method === 'GET' || request.method === 'HEAD') return sendJson(response, 200, { items: list.all() });
    if (request.method !== 'POST') throw new Refusal(405, 'method_not_allowed', 'Read or write entries.');
    sendContinue();
    sendJson(response, 201, write(await readBody(request)));
  } catch (error) {
    sendProblem(request, response, error);
  }
}

function ready(response) {
  if (isStopping || isSuperseded) return sendJson(response, 503, { status: 'stopping' });
  const { databaseId, schemaVersion } = volume;
  sendJson(response, 200, { tenantId: config.tenantId, databaseId, schemaVersion });
}

/** Gives the token's claims. A token of a later epoch says that another machine has taken over: from then on nothing is served. */
function check(request) {
  if (isSuperseded) throw new Refusal(421, 'wrong_epoch', 'Another machine has taken over.');
  try {
    return letIn(request.headers.authorization, volume.databaseId);
  } catch (error) {
    if (error.isSuperseded) {
      isSuperseded = true;
      setTimeout(() => process.exit(0), SUPERSEDED_EXIT_MS);
    }
    throw error;
  }
}

function upgrade(request, socket, head) {
  socket.on('error', () => socket.destroy());
  let claims;
  try {
    claims = check(request);
    if (new URL(request.url, 'http://tenant').pathname !== '/live') throw new Refusal(404, 'not_found', 'Use /live.');
    if (isStopping) throw new Refusal(503, 'stopping', 'This app is being stopped.');
    if (sockets.clients.size >= MOST_SOCKETS) throw new Refusal(429, 'too_many_streams', 'Close another socket first.');
  } catch (error) {
    const { status, body } = problemOf(request, error);
    const lines = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Content-Type: application/problem+json',
      'Connection: close',
    ];
    return socket.end(`${lines.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    // Who was let in may stay as long as the token says; the control plane ends a socket sooner where the session ends.
    const end = setTimeout(() => webSocket.close(4401, 'token_expired'), claims.exp * 1000 - Date.now());
    webSocket.on('close', () => clearTimeout(end));
    webSocket.on('error', () => undefined); // `close` follows
    webSocket.on('message', (data) => {
      try {
        write(parse(data));
      } catch (error) {
        webSocket.send(problemOf(request, error).body);
      }
    });
  });
}

/** Stores an entry and tells every open socket of it. */
function write({ name, text }) {
  const isText = (value, most) => typeof value === 'string' && value.trim() !== '' && value.length <= most;
  if (!isText(name, 100) || !isText(text, 2000)) {
    throw new Refusal(422, 'validation_failed', 'An entry has a name (100 characters) and a text (2000).');
  }
  const entry = insert.get(name.trim(), text.trim(), new Date().toISOString());
  for (const socket of sockets.clients) socket.send(JSON.stringify(entry));
  return entry;
}

async function readBody(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MOST_BODY_BYTES) chunks.push(chunk); // read on, or the client sees a reset instead of the answer
  }
  if (bytes > MOST_BODY_BYTES) throw new Refusal(413, 'body_too_large', 'An entry may have 16 kB.');
  return parse(Buffer.concat(chunks));
}

function parse(data) {
  try {
    return Object(JSON.parse(String(data)));
  } catch {
    throw new Refusal(400, 'json_malformed', 'This is not JSON.');
  }
}

function sendJson(response, status, value) {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

function sendMetrics(response) {
  response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4' });
  response.end(`# TYPE guest_book_open_sockets gauge\nguest_book_open_sockets ${sockets.clients.size}\n`);
}

function sendProblem(request, response, error) {
  if (response.headersSent || response.destroyed) return response.destroy();
  const { status, body } = problemOf(request, error);
  response.writeHead(status, { 'Content-Type': 'application/problem+json' }).end(body);
  request.resume();
}

function problemOf(request, error) {
  const isExpected = error instanceof Refusal;
  if (!isExpected)
    process.stderr.write(
      `${JSON.stringify({ level: 'error', requestId: request.headers['x-request-id'], error: error.stack })}\n`,
    );
  const status = isExpected ? error.status : 500;
  const detail = isExpected ? error.message : 'Something went wrong here.';
  const code = isExpected ? error.code : 'internal_error';
  const requestId = request.headers['x-request-id'];
  return {
    status,
    body: JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, code, detail, requestId }),
  };
}

/** A signal may come twice. What is under way finishes; the lock is given back last. */
function stop() {
  if (isStopping) return;
  isStopping = true;
  clearInterval(pings);
  for (const socket of sockets.clients) socket.close(1001, 'stopping');
  setTimeout(() => server.closeAllConnections(), STOP_MS).unref();
  setTimeout(() => sockets.clients.forEach((socket) => socket.terminate()), STOP_MS).unref();
  server.close(() => {
    volume.close();
    process.exit(0);
  });
  server.closeIdleConnections();
}
