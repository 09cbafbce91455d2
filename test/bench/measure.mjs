// What every measurement here needs: processes with a clean environment, polling to the first 200, medians.
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const children = new Set();

export function start(args, env = {}, cwd = process.cwd()) {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Ends whatever is left, also after a failure. */
export async function endAll() {
  await Promise.all([...children].map((child) => end(child)));
}

export async function end(child, signal = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill(signal);
  await ended;
}

/** Resolves with the status of one GET, or 0 where nobody answers. */
export function get(url, headers = {}) {
  return new Promise((resolve) => {
    const call = request(url, { headers, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    call.on('error', () => resolve(0));
    call.end();
  });
}

export async function firstOk(url, headers, ms = 20_000) {
  const deadline = Date.now() + ms;
  while ((await get(url, headers)) !== 200) {
    if (Date.now() > deadline) throw new Error(`${url} did not answer 200 within ${ms} ms`);
    await sleep(2);
  }
}

/** A port that nobody listens on at this moment. */
export async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

export async function waitFor(check, what, ms = 20_000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`Waited ${ms} ms in vain for ${what}`);
    await sleep(20);
  }
}

export async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

export function ms(value) {
  return `${value.toFixed(0)} ms`;
}
