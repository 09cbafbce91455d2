import 'reflect-metadata';
import { loadConfig } from '@app/common/config/load-config';
import type { Platform } from '@app/minifly-client/platform';
import { type INestApplicationContext } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { request } from 'undici';
import { ControlPlaneConfig } from '../../apps/control-plane/src/config';
import { atomically } from '../../apps/control-plane/src/database/atomically';
import { openDatabase } from '../../apps/control-plane/src/database/open-database';
import { GatesService } from '../../apps/control-plane/src/gates/gates.service';
import { TenantStatusService } from '../../apps/control-plane/src/gates/tenant-status.service';
import { PLATFORM } from '../../apps/control-plane/src/machines/platform.token';
import { ReplicaKeeper } from '../../apps/control-plane/src/replicas/replica-keeper';
import { ReplicasModule } from '../../apps/control-plane/src/replicas/replicas.module';
import { ReplicasService } from '../../apps/control-plane/src/replicas/replicas.service';
import { TenantsService } from '../../apps/control-plane/src/tenants/tenants.service';
import { isRunning } from '../support/processes';
import { startTenantServices } from '../support/tenant-services';
import { until } from '../support/until';
import { machineProcesses } from './support/machine-processes';
import { litefsMounts } from './support/mounts';

let folder: string;
let dataSource: DataSource;
let app: INestApplicationContext;
let gates: GatesService;
let tenants: TenantsService;
let logged: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'litefs-lifecycle-'));
  dataSource = await openDatabase(join(folder, 'control-plane.sqlite'));
  logged = [];
  await startControlPlane({ embeddedLitefs: true });
});

afterEach(async () => {
  await app.close();
  await dataSource.destroy();
  expect(litefsMounts(folder)).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});

async function startControlPlane(settings: Partial<ControlPlaneConfig>) {
  const environment = { DATA_DIR: folder, LOG_LEVEL: 'warn', PATH: process.env.PATH };
  app = await startTenantServices({
    dataSource,
    config: { ...loadConfig(ControlPlaneConfig, environment), ...settings },
    secret: 'a secret of the tests',
    write: (line) => void logged.push(line),
    more: [ReplicasModule],
  });
  gates = app.get(GatesService, { strict: false });
  tenants = app.get(TenantsService, { strict: false });
}

async function signedUp(): Promise<string> {
  const id = randomUUID();
  atomically(dataSource, (db) => tenants.createWithin(db, { id, region: 'fra', at: Date.now() }));
  expect((await call(id, 'GET')).status).toBe(200);
  return id;
}

async function withReplica(): Promise<string> {
  const id = await signedUp();
  await app.get(ReplicasService, { strict: false }).add(id, 'syd');
  await replicaIs(id, 'active', 'started');
  return id;
}

const regionsOf = async (id: string) => (await app.get(TenantStatusService, { strict: false }).get(id)).tenant.regions;

async function replicaIs(id: string, status: string, machineState: string): Promise<void> {
  let seen: unknown;
  await until(
    async () => {
      seen = await regionsOf(id);
      const replica = (seen as Awaited<ReturnType<typeof regionsOf>>)[1];
      return replica?.status === status && replica.machineState === machineState;
    },
    { what: () => `a replica that is ${status} and ${machineState}: ${JSON.stringify(seen)}\n${logged.join('')}` },
  );
}

/** One request through the gate, as the proxy makes it: to `origin` instead where one is given. */
async function call(id: string, method: 'GET' | 'POST', title?: string, origin?: string) {
  const admission = await gates.enter(id, { signal: AbortSignal.timeout(30_000) });
  if (admission.outcome !== 'proceed') throw new Error(JSON.stringify(admission));
  const { route, leave } = admission;
  try {
    const response = await request(`${origin ?? route.origin}/todos`, {
      method,
      headers: { authorization: route.authorization, 'content-type': 'application/json' },
      body: title === undefined ? null : JSON.stringify({ title }),
    });
    const body = (await response.body.json()) as { code?: string; items?: { title: string }[] };
    return { status: response.statusCode, code: body.code, titles: body.items?.map((item) => item.title) };
  } finally {
    leave();
  }
}

async function replicaOrigin(id: string): Promise<string> {
  const [replica] = await tenants.replicasOf(id);
  const ref = { appName: replica?.appName ?? '', machineId: replica?.machineId ?? '' };
  return (await app.get<Platform>(PLATFORM, { strict: false }).address(ref, AbortSignal.timeout(5000))).origin;
}

/** The newest to-do, read from the replica itself; one that starts refuses connections for a moment. */
async function shownAtReplica(id: string, title: string): Promise<void> {
  const syd = await replicaOrigin(id);
  await until(async () => (await call(id, 'GET', undefined, syd).catch(() => null))?.titles?.[0] === title, {
    what: () => `${title} at the replica\n${logged.join('')}`,
  });
}

it('a replica in another region shows the to-dos and refuses writes, which go to the primary', async () => {
  const id = await withReplica();
  expect((await regionsOf(id)).map(({ region, role, status }) => [region, role, status])).toEqual([
    ['fra', 'primary', 'active'],
    ['syd', 'replica', 'active'],
  ]);
  expect((await call(id, 'POST', 'Buy milk')).status).toBe(201);
  await shownAtReplica(id, 'Buy milk');
  expect(await call(id, 'POST', 'x', await replicaOrigin(id))).toMatchObject({ status: 421, code: 'not_primary' });
  expect((await call(id, 'POST', 'through the gate')).status).toBe(201);
});

it('sleeps and wakes with its tenant, the replica stopped first', async () => {
  await app.close();
  await startControlPlane({ embeddedLitefs: true, idleStopSeconds: 2 });
  const id = await withReplica();
  await call(id, 'POST', 'Buy milk');
  await replicaIs(id, 'active', 'stopped');
  await until(() => gates.machineState(id).state === 'stopped', { what: 'the primary to stop' });
  const [primary, replica] = await regionsOf(id);
  expect(Date.parse(replica?.seenAt ?? '')).toBeLessThanOrEqual(Date.parse(primary?.seenAt ?? ''));
  expect((await tenants.replicasOf(id))[0]?.awakeSince).toBeNull();
  expect(litefsMounts(folder)).toEqual([]);

  expect((await call(id, 'GET')).titles).toEqual(['Buy milk']);
  await replicaIs(id, 'active', 'started');
  await shownAtReplica(id, 'Buy milk');
});

it('brings a replica back whose machine was killed', async () => {
  const id = await withReplica();
  await call(id, 'POST', 'Buy milk');
  const { machineId = '' } = (await tenants.replicasOf(id))[0] ?? {};
  const pid = machineProcesses((await tenants.get(id)).tenant.appName, machineId ?? '').litefs ?? NaN;
  process.kill(pid, 'SIGKILL');
  await until(() => !isRunning(pid), { what: 'its end' });
  app.get(ReplicaKeeper, { strict: false }).sweep();
  await shownAtReplica(id, 'Buy milk');
});

it('is configured anew in the epoch that its tenant has by now, when it wakes', async () => {
  const id = await withReplica();
  await app.close();
  await dataSource.query('UPDATE user_apps SET epoch = 2');
  await startControlPlane({ embeddedLitefs: true });
  expect((await call(id, 'POST', 'of epoch 2')).status).toBe(201);
  await shownAtReplica(id, 'of epoch 2');
});

it('is refused where there is one, and for a tenant on a plain directory', async () => {
  const id = await withReplica();
  const replicas = app.get(ReplicasService, { strict: false });
  await expect(replicas.add(id, 'syd')).rejects.toMatchObject({ code: 'replica_not_possible' });
  await expect(replicas.add(id, 'fra')).rejects.toMatchObject({ code: 'replica_not_possible' });
  await app.close();
  await startControlPlane({});
  const plain = await signedUp();
  await expect(app.get(ReplicasService, { strict: false }).add(plain, 'syd')).rejects.toThrow(/plain directory/);
});

it('goes with its tenant: no volume, no mount, no row', async () => {
  const id = await withReplica();
  expect(readdirSync(join(folder, 'embedded', 'volumes'))).toHaveLength(2);
  atomically(dataSource, (db) => tenants.markDeletedWithin(db, id, Date.now()));
  await until(async () => (await tenants.find(id)) === null, { what: 'its end' });
  await until(async () => (await tenants.replicasOf(id)).length === 0, { what: 'the end of its replica' });
  expect(readdirSync(join(folder, 'embedded', 'volumes'))).toEqual([]);
  expect(litefsMounts(folder)).toEqual([]);
});
