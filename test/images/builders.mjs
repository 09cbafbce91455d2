// The two other ways to the images: BuildKit, and compose. Imported by images.test.mjs.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { docker } from './docker.mjs';

const root = join(import.meta.dirname, '../..');
const PROJECT = 'todo-images-test';

/** `built`: name of each image as the classic builder made it, by its Dockerfile. `nodeImage`: stands in for Go's, which has nothing to do. */
export function describeBuilders(built, nodeImage) {
  describe('BuildKit', () => {
    for (const [dockerfile, classic] of Object.entries(built)) {
      it(`builds ${dockerfile} to the same image`, (t) => {
        const image = `${PROJECT}-buildkit:latest`;
        t.after(() => docker('rmi', '-f', image));
        buildWithBuildKit('-f', dockerfile, '--build-arg', `GO_IMAGE=${nodeImage}`, '-t', image, '.');
        const config = settingsOf(image);
        assert.deepEqual(config, settingsOf(classic));
        assert.equal(config.ports.length, 1);
        assert.match(config.health.join(' '), /check-health\.sh/);
      });
    }
  });

  describe('compose', () => {
    it('brings everything up in one container, as its file has it: a person signs up and keeps a to-do', async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'todo-compose-'));
      const override = join(folder, 'override.yaml');
      // Not the volume and the image of whoever uses it on this machine.
      const names = `services: {control-plane: {image: ${PROJECT}-compose}}\nvolumes: {data: {name: ${PROJECT}-data}}\n`;
      writeFileSync(override, names);
      const compose = (...args) => runCompose('-p', PROJECT, '-f', 'docker/compose.yaml', '-f', override, ...args);
      t.after(() => {
        compose('down', '--volumes', '--rmi', 'all');
        rmSync(folder, { recursive: true });
      });
      compose('up', '--detach', '--build');
      const urlOf = () => `http://127.0.0.1:${compose('port', 'control-plane', '8080').trim().split(':').at(-1)}`;
      await answers(() => fetch(`${urlOf()}/readyz`));
      const account = { email: 'ada@example.org', password: 'correct horse battery', region: 'fra' };
      const headers = { 'content-type': 'application/json' };
      const post = (path, body) =>
        fetch(urlOf() + path, { method: 'POST', headers, body: JSON.stringify(body), redirect: 'manual' });
      const signedUp = await post('/api/v1/signup', account);
      assert.equal(signedUp.status, 201);
      headers.cookie = signedUp.headers.getSetCookie()[0].split(';')[0];
      await answers(() => post('/api/v1/todos', { title: 'Buy milk' }), 201);
      compose('restart');
      const list = await answers(() => fetch(`${urlOf()}/api/v1/todos`, { headers }));
      assert.deepEqual(
        (await list.json()).items.map(({ title }) => title),
        ['Buy milk'],
      );
    });
  });
}

/** By the first client here that can: from version 23 on that takes Docker's plugin buildx. */
function buildWithBuildKit(...args) {
  const failures = [];
  for (const client of ['docker', '/usr/bin/docker']) {
    const options = { cwd: root, encoding: 'utf8', env: { ...process.env, DOCKER_BUILDKIT: '1' } };
    const { status, stdout, stderr } = spawnSync(client, ['build', '--progress', 'plain', ...args], options);
    if (status === 0) return;
    failures.push(`${client}: ${stdout}${stderr}`);
  }
  throw new Error(`No client built with BuildKit:\n${failures.join('\n')}`);
}

function runCompose(...args) {
  const hasPlugin = spawnSync('docker', ['compose', 'version']).status === 0;
  const [program, ...first] = hasPlugin ? ['docker', 'compose'] : ['docker-compose'];
  const env = { ...process.env, PORT: '0' };
  return execFileSync(program, [...first, ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
}

/** What an image says of how it is run. */
function settingsOf(image) {
  const { Config: config } = JSON.parse(docker('image', 'inspect', image))[0];
  const { ExposedPorts: ports, Healthcheck: health, Entrypoint: entrypoint, Cmd: command, Env: env } = config;
  return { ports: Object.keys(ports), health: health.Test, entrypoint, command, env, folder: config.WorkingDir };
}

async function answers(ask, status = 200) {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(200)) {
    const answer = await ask().catch(() => null);
    if (answer?.status === status) return answer;
  }
  throw new Error(`No answer of ${status} in 30 s.`);
}
