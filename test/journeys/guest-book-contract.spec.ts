import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { until } from '../support/until';

const SERVER = resolve(__dirname, '../../examples/guest-book/server.mjs');
const ours = generateKeyPairSync('ed25519');
const foreign = generateKeyPairSync('ed25519');
const KEYS = JSON.stringify({ keys: [{ ...ours.publicKey.export({ format: 'jwk' }), kid: 'k1' }] });

describe('examples/guest-book keeps docs/TENANT-CONTRACT.md', () => {
  const children: ChildProcess[] = [];
  let dataDir: string;
  let port: number;
  let databaseId: string;

  beforeAll(async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    port = (free.address() as AddressInfo).port;
    await new Promise((done) => free.close(done));
    dataDir = mkdtempSync(join(tmpdir(), 'guest-book-'));
  });

  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  });

  const start = (env: Record<string, string> = {}) => {
    const all = {
      TENANT_ID: 'ada',
      APP_NAME: 'todo-user-ada',
      TENANT_TOKEN_KEYS: KEYS,
      DATA_DIR: dataDir,
      HOST: '127.0.0.1',
      PORT: `${port}`,
      ...env,
    };
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SERVER], { env: all });
    children.push(child);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const exit = new Promise<[number | null, string]>((done) => child.once('close', (code) => done([code, said])));
    return { child, exit };
  };
  const started = async (env: Record<string, string> = {}) => {
    const one = start(env);
    const ask = () => fetch(`http://127.0.0.1:${port}/readyz`).then((response) => response.json());
    const ready = (await until(() => ask().catch(() => false), { what: 'an answer' })) as Record<string, unknown>;
    databaseId = String(ready.databaseId);
    return { ...one, ready };
  };
  const token = (claims: object = {}, header: object = {}, key: KeyObject = ours.privateKey) => {
    const now = Math.floor(Date.now() / 1000);
    const all = { aud: 'todo-user-ada', sub: 'ada', dbid: databaseId, epoch: 1, iat: now, exp: now + 60, ...claims };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = `${part({ alg: 'EdDSA', typ: 'tenant+jwt', kid: 'k1', ...header })}.${part(all)}`;
    return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`;
  };
  const entries = async (bearer: string | null, init: RequestInit = {}) => {
    const headers = bearer === null ? {} : { authorization: `Bearer ${bearer}` };
    const response = await fetch(`http://127.0.0.1:${port}/entries`, { ...init, headers });
    return [response.status, ((await response.json()) as { code?: string }).code];
  };

  it('says who it is, and answers each token as the table says', async () => {
    const { child, exit, ready } = await started();
    expect(ready).toEqual({
      tenantId: 'ada',
      databaseId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      schemaVersion: 1,
    });
    expect(await entries(token())).toEqual([200, undefined]);
    expect(await entries(null)).toEqual([401, 'token_missing']);
    expect(await entries('a.b.c')).toEqual([401, 'token_invalid']);
    expect(await entries(token({}, {}, foreign.privateKey))).toEqual([401, 'token_invalid']);
    expect(await entries(token({}, { alg: 'none' }))).toEqual([401, 'token_invalid']);
    expect(await entries(token({}, { typ: 'JWT' }))).toEqual([401, 'token_invalid']);
    expect(await entries(token({}, { kid: 'k2' }))).toEqual([401, 'unknown_key']);
    expect(await entries(token({ exp: 1 }))).toEqual([401, 'token_expired']);
    for (const claims of [{ aud: 'todo-user-bob' }, { sub: 'bob' }, { dbid: randomUUID() }]) {
      expect(await entries(token(claims))).toEqual([421, 'wrong_tenant']);
    }
    expect(await entries(token({ epoch: 0 }))).toEqual([421, 'wrong_epoch']);

    const second = start({ PORT: '0' });
    expect(await second.exit).toEqual([1, 'Another process has this volume.\n']);
    child.kill('SIGTERM');
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, '']);
  });

  it('keeps its database over kill -9, and serves nothing more once another machine has taken over', async () => {
    const { child, exit } = await started();
    const body = JSON.stringify({ name: 'a', text: 'kept' });
    expect((await entries(token(), { method: 'POST', body }))[0]).toBe(201);
    const before = databaseId;
    child.kill('SIGKILL');
    await exit;
    const again = await started();
    expect(databaseId).toBe(before);
    expect(await entries(token({ epoch: 2 }))).toEqual([421, 'wrong_epoch']);
    expect(await entries(token())).toEqual([421, 'wrong_epoch']);
    expect(await again.exit).toEqual([0, '']);
  });

  it('refuses a volume of another tenant or kind, LiteFS, and a configuration that is not whole', async () => {
    expect(await start({ TENANT_ID: 'bob' }).exit).toEqual([1, "This volume is another tenant's: ada.\n"]);
    expect(await start({ LITEFS_LEASE: 'static', TENANT_EPOCH: 'x' }).exit).toEqual([
      1,
      'LITEFS_LEASE is set, and this image does not run on LiteFS.\nTENANT_EPOCH must be a whole number, 1 or more.\n',
    ]);
    writeFileSync(join(dataDir, 'volume.kind'), 'litefs');
    expect(await start().exit).toEqual([1, 'This volume is for litefs, and this image needs a plain one.\n']);
  });
});
