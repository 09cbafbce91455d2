// The whole service for a measurement: a control plane with its platform, and people with an app of their own.
import { mkdtempSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { end, start, waitFor } from './measure.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const MAIN = join(root, 'dist', 'apps', 'control-plane', 'main.js');
const PASSWORD = 'correct horse battery';
let people = 0;

/** A control plane as `npm start` runs it, on a free port, with its data below `folder`. */
export async function startControlPlane(folder, env) {
  const dataDir = mkdtempSync(join(folder, 'data-'));
  const child = start(
    ['--max-semi-space-size=32', MAIN],
    {
      MALLOC_ARENA_MAX: '1',
      PORT: '0',
      HOST: '127.0.0.1',
      DATA_DIR: dataDir,
      LOGIN_LIMIT: '0',
      SIGNUP_LIMIT: '0',
      LOG_LEVEL: 'warn',
      ...env,
    },
    dataDir,
  );
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  const url = await waitFor(() => /http:\/\/(?:localhost|127\.0\.0\.1):\d+/.exec(output)?.[0], 'the control plane');
  return { url: url.replace('localhost', '127.0.0.1'), end: () => end(child) };
}

/** Signs somebody up and waits until their app is active; gives the headers that say who they are. */
export async function signUp(plane) {
  people += 1;
  const response = await fetch(`${plane.url}/api/v1/signup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: `person${people}@example.org`, password: PASSWORD, region: 'fra' }),
  });
  const headers = { cookie: response.headers.getSetCookie()[0].split(';')[0] };
  await waitFor(async () => (await tenant(plane, headers)).status === 'active', 'an active app');
  return { headers };
}

export function addTodo(plane, { headers }) {
  return post(plane, '/api/v1/todos', { title: 'A to-do to be read again and again' }, headers);
}

export async function post(plane, path, body, headers) {
  const response = await fetch(`${plane.url}${path}`, {
    method: 'POST',
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function tenant(plane, headers) {
  return (await fetch(`${plane.url}/api/v1/tenant`, { headers })).json();
}

/** Waits until the person's machine has been seen stopped, and a moment longer. */
export async function asleep(plane, { headers }) {
  await waitFor(async () => (await tenant(plane, headers)).regions[0].machineState === 'stopped', 'the tenant to stop');
  await sleep(100);
}
