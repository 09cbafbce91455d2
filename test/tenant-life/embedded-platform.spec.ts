import 'reflect-metadata';
import { loadConfig } from '@app/common/config/load-config';
import { type INestApplicationContext } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { request } from 'undici';
import { ControlPlaneConfig } from '../../apps/control-plane/src/config';
import { atomically } from '../../apps/control-plane/src/database/atomically';
import { openDatabase } from '../../apps/control-plane/src/database/open-database';
import { GatesService, type Route } from '../../apps/control-plane/src/gates/gates.service';
import { TenantTokenSigner } from '../../apps/control-plane/src/machines/token-signer';
import { TenantsService } from '../../apps/control-plane/src/tenants/tenants.service';
import { TimelineService } from '../../apps/control-plane/src/tenants/timeline.service';
import { UserApp } from '../../apps/control-plane/src/tenants/user-app.entity';
import { startTenantServices } from '../support/tenant-services';
import { until } from '../support/until';

let folder: string;
let dataSource: DataSource;
let app: INestApplicationContext;
let gates: GatesService;
let tenants: TenantsService;
let platformPids: number[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tenant-life-'));
  dataSource = await openDatabase(join(folder, 'control-plane.sqlite'));
  platformPids = [];
  await startControlPlane();
});

afterEach(async () => {
  await app.close();
  for (const pid of platformPids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  await dataSource.destroy();
  rmSync(folder, { recursive: true, force: true });
});

async function startControlPlane(settings: Partial<ControlPlaneConfig> = {}, secret = 'the first secret of the tests') {
  const config = { ...loadConfig(ControlPlaneConfig, { DATA_DIR: folder, LOG_LEVEL: 'warn' }), ...settings };
  app = await startTenantServices({
    dataSource,
    config,
    secret,
    write(line) {
      const { event, pid } = JSON.parse(line) as { event: string; pid: number };
      if (event === 'platform.started') platformPids.push(pid);
    },
  });
  gates = app.get(GatesService, { strict: false });
  tenants = app.get(TenantsService, { strict: false });
}

function signUp(): string {
  const id = randomUUID();
  atomically(dataSource, (db) => tenants.createWithin(db, { id, region: 'fra', at: Date.now() }));
  return id;
}

/** One request through the gate, as the proxy makes it. */
async function call(tenantId: string, method: 'GET' | 'POST', path: string, json?: unknown) {
  const admission = await gates.enter(tenantId, { signal: AbortSignal.timeout(20_000) });
  if (admission.outcome !== 'proceed') throw new Error(JSON.stringify(admission));
  const { route, leave } = admission;
  try {
    return { ...(await send(route, method, path, json)), route };
  } finally {
    leave();
  }
}

async function send(route: Route, method: 'GET' | 'POST', path: string, json?: unknown) {
  const response = await request(`${route.origin}${path}`, {
    dispatcher: route.dispatcher,
    method,
    headers: { authorization: route.authorization, 'content-type': 'application/json' },
    body: json === undefined ? null : JSON.stringify(json),
  });
  return {
    status: response.statusCode,
    body: (await response.body.json()) as { code?: string; items?: { title: string }[] },
  };
}

const titles = async (tenantId: string) =>
  (await call(tenantId, 'GET', '/todos')).body.items?.map(({ title }) => title);

it('takes a sign-up to a tenant of its own that answers, while the first request is held', async () => {
  const userId = signUp();
  const { status, route } = await call(userId, 'POST', '/todos', { title: 'Buy milk' });
  expect(status).toBe(201);
  expect(await titles(userId)).toEqual(['Buy milk']);
  expect(gates.machineState(userId).state).toBe('started');
  expect(await gates.directAddress(userId, true)).toBe(route.origin);
  expect(await gates.directAddress(userId, false)).toBeNull();
  expect((await tenants.get(userId)).app.status).toBe('active');
});

it('stops what is quiet, shows it stopped, and the next request wakes it with its data', async () => {
  await app.close();
  await startControlPlane({ idleStopSeconds: 1 });
  const userId = signUp();
  await call(userId, 'POST', '/todos', { title: 'Buy milk' });
  await until(() => gates.machineState(userId).state === 'stopped', { what: 'stopped' });
  await until(async () => (await tenants.get(userId)).app.awakeSince === null, { what: 'not awake on the row' });
  expect(gates.find(userId)).toBeUndefined();
  expect(await titles(userId)).toEqual(['Buy milk']);
  const events = await app.get(TimelineService, { strict: false }).list(userId);
  expect(events.map(({ kind }) => kind).slice(-2)).toEqual(['stopped', 'woken']);
});

it('brings tenants back by a request after the platform alone was killed', async () => {
  const userId = signUp();
  await call(userId, 'POST', '/todos', { title: 'Buy milk' });
  process.kill(platformPids[0] ?? 0, 'SIGKILL');
  await until(() => platformPids.length === 2, { what: 'another platform' });
  await until(() => gates.machineState(userId).state === 'stopped', { what: 'seen stopped' });
  expect(await titles(userId)).toEqual(['Buy milk']);
});

it('gives a machine that was configured with other keys the current ones when it wakes', async () => {
  const userId = signUp();
  await call(userId, 'POST', '/todos', { title: 'Buy milk' });
  await app.close();
  await startControlPlane({}, 'the second secret of the tests');
  await until(async () => (await tenants.get(userId)).app.awakeSince === null, { what: 'seen stopped at start' });
  expect(await titles(userId)).toEqual(['Buy milk']);
});

it('gives a running machine that refuses the token the current keys', async () => {
  const userId = signUp();
  const { route } = await call(userId, 'POST', '/todos', { title: 'Buy milk' });
  const before = (await tenants.get(userId)).app.machineId;
  await gates.refreshKeys(route);
  expect(await titles(userId)).toEqual(['Buy milk']);
  expect((await tenants.get(userId)).app.machineId).toBe(before);
});

it('gives a machine of an earlier epoch the current one, when a request finds that it is not the one that is meant', async () => {
  const userId = signUp();
  const { route } = await call(userId, 'POST', '/todos', { title: 'Buy milk' });
  await dataSource.getRepository(UserApp).update({ userId }, { epoch: 2 });
  const signer = app.get(TenantTokenSigner, { strict: false });
  const authorization = `Bearer ${await signer.signForRoute({ ...route, epoch: 2 })}`;
  const refused = await request(`${route.origin}/todos`, { headers: { authorization } });
  expect([refused.statusCode, await refused.body.json()]).toMatchObject([421, { code: 'wrong_epoch' }]);
  gates.distrust(route);
  expect(await titles(userId)).toEqual(['Buy milk']);
  const again = await call(userId, 'POST', '/todos', { title: 'of epoch 2' });
  expect([again.status, again.route.epoch]).toEqual([201, 2]);
});

it('fails a tenant whose volume was removed while it was stopped, and makes no empty one', async () => {
  const userId = signUp();
  await call(userId, 'POST', '/todos', { title: 'Buy milk' });
  await app.close();
  const volumes = join(folder, 'embedded', 'volumes');
  for (const name of readdirSync(volumes)) rmSync(join(volumes, name), { recursive: true });
  await startControlPlane();
  await expect(titles(userId)).rejects.toThrow('tenant_failed');
  expect((await tenants.get(userId)).app).toMatchObject({ status: 'failed', lastError: { code: 'volume_missing' } });
  expect(existsSync(volumes) ? readdirSync(volumes) : []).toEqual([]);
});

it('removes everything of a tenant that is deleted', async () => {
  const userId = signUp();
  await call(userId, 'GET', '/todos');
  atomically(dataSource, (db) => tenants.markDeletedWithin(db, userId, Date.now()));
  await until(async () => (await tenants.find(userId)) === null, { what: 'gone' });
  expect(readdirSync(join(folder, 'embedded', 'volumes'))).toEqual([]);
});
