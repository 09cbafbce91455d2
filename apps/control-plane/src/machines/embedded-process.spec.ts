import { createLogger } from '@app/common/logging/logger';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedProcess, findPlatformProgram } from './embedded-process';

/** Answers like the platform, and writes down how it was started. */
const PROGRAM = `
const { createServer } = require('node:http');
const { writeFileSync, fstatSync } = require('node:fs');
const at = (name) => process.argv[process.argv.indexOf(name) + 1];
writeFileSync(at('--state-dir') + '/started.json', JSON.stringify({ env: process.env, images: at('--images'), pipe: fstatSync(3).isFIFO() || fstatSync(3).isSocket() }));
createServer((request, response) => response.end('{}')).listen(at('--socket'));
process.on('SIGTERM', () => { writeFileSync(at('--state-dir') + '/ended', ''); process.exit(0); });
`;

let folder: string;
let platform: EmbeddedProcess;
let returns: number;
let events: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'embedded-process-'));
  writeFileSync(join(folder, 'platform.js'), PROGRAM);
  returns = 0;
  events = [];
  const write = (line: string) => void events.push((JSON.parse(line) as { event: string }).event);
  platform = new EmbeddedProcess({
    script: join(folder, 'platform.js'),
    images: '/the/images',
    stateDir: folder,
    logLevel: 'warn',
    litefs: null,
    log: createLogger({ app: 'test', level: 'info' }, { write }),
    onReturn: () => (returns += 1),
  });
});

afterEach(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function until(isTrue: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end && !isTrue();) await sleep(10);
  expect(isTrue()).toBe(true);
}

describe('EmbeddedProcess', () => {
  it('has started when the platform answers, with a pipe to end it and nothing of our environment', async () => {
    await platform.start();
    const started = JSON.parse(readFileSync(join(folder, 'started.json'), 'utf8')) as Record<string, unknown>;
    expect(started).toEqual({ env: { LOG_LEVEL: 'warn' }, images: '/the/images', pipe: true });
    expect(statSync(dirname(platform.socketPath)).mode & 0o777).toBe(0o700);
    expect(returns).toBe(0);
  });

  it('starts it again when it dies, and says so when it answers', async () => {
    await platform.start();
    process.kill(platform.pid ?? 0, 'SIGKILL');
    await until(() => returns === 1);
    expect(events).toEqual(['platform.started', 'platform.died', 'platform.started']);
  });

  it('asks it to end, waits for that, and leaves nothing behind', async () => {
    await platform.start();
    const { pid } = platform;
    await platform.stop();
    expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');
    expect(existsSync(join(folder, 'ended'))).toBe(true);
    expect(existsSync(dirname(platform.socketPath))).toBe(false);
    await sleep(150);
    expect(events).toEqual(['platform.started']); // no restart
  });

  it('goes on trying with a program that cannot run', async () => {
    writeFileSync(join(folder, 'platform.js'), 'process.exit(1)');
    const starting = platform.start();
    await until(() => events.filter((event) => event === 'platform.died').length >= 2);
    writeFileSync(join(folder, 'platform.js'), PROGRAM);
    await starting;
    expect(events.at(-1)).toBe('platform.started');
  });
});

it('says how to get the platform’s program where there is none', () => {
  expect(() => findPlatformProgram(tmpdir())).toThrow('npm run build');
});
