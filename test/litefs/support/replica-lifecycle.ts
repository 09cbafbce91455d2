import 'reflect-metadata';
import { loadConfig } from '@app/common/config/load-config';
import type { MachineRef, Platform } from '@app/minifly-client/platform';
import { type INestApplicationContext } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { request } from 'undici';
import { ControlPlaneConfig } from '../../../apps/control-plane/src/config';
import { atomically } from '../../../apps/control-plane/src/database/atomically';
import { openDatabase } from '../../../apps/control-plane/src/database/open-database';
import { GatesService } from '../../../apps/control-plane/src/gates/gates.service';
import { TenantStatusService } from '../../../apps/control-plane/src/gates/tenant-status.service';
import { PLATFORM } from '../../../apps/control-plane/src/machines/platform.token';
import { ReplicaKeeper } from '../../../apps/control-plane/src/replicas/replica-keeper';
import { ReplicasModule } from '../../../apps/control-plane/src/replicas/replicas.module';
import { ReplicasService } from '../../../apps/control-plane/src/replicas/replicas.service';
import { TenantsService } from '../../../apps/control-plane/src/tenants/tenants.service';
import { startTenantServices } from '../../support/tenant-services';
import { until } from '../../support/until';
import type { LitefsPlace } from './ground';
import { killPrograms } from './machine-processes';

/** Where the control plane of these tests has its tenants. `folder`: its data directory, new for each test. */
export interface LifecycleSite {
  /** What it is configured with, to have them on LiteFS or on plain directories. */
  environment(isOnLitefs: boolean): Record<string, string>;
  place(folder: string, dataSource: DataSource): LitefsPlace;
  /** How many of the app's volumes have anything on them. */
  volumesInUse(folder: string, appName: string): number;
  /** After each test, when the control plane has ended. */
  cleanUp(folder: string): Promise<void>;
}

let site: LifecycleSite;
let folder: string;
let dataSource: DataSource;
let app: INestApplicationContext;
let gates: GatesService;
let tenants: TenantsService;
let logged: string[];

/** How the control plane makes a replica, leads to it and lets it go: what holds on each platform that can run LiteFS. */
export function replicaLifecycle(on: LifecycleSite): void {
  beforeEach(async () => {
    site = on;
    folder = mkdtempSync(join(tmpdir(), 'litefs-lifecycle-'));
    dataSource = await openDatabase(join(folder, 'control-plane.sqlite'));
    logged = [];
    await startControlPlane();
  });

  afterEach(async () => {
    await app.close();
    await dataSource.destroy();
    await site.cleanUp(folder);
    rmSync(folder, { recursive: true, force: true });
  });

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
    await startControlPlane({ idleStopSeconds: 2 });
    const id = await withReplica();
    await call(id, 'POST', 'Buy milk');
    await replicaIs(id, 'active', 'stopped');
    await until(() => gates.machineState(id).state === 'stopped', { what: 'the primary to stop' });
    const [primary, replica] = await regionsOf(id);
    expect(Date.parse(replica?.seenAt ?? '')).toBeLessThanOrEqual(Date.parse(primary?.seenAt ?? ''));
    expect((await tenants.replicasOf(id))[0]?.awakeSince).toBeNull();
    expect(mounts()).toEqual([]);

    expect((await call(id, 'GET')).titles).toEqual(['Buy milk']);
    await replicaIs(id, 'active', 'started');
    await shownAtReplica(id, 'Buy milk');
  });

  it('brings a replica back whose machine was killed', async () => {
    const id = await withReplica();
    await call(id, 'POST', 'Buy milk');
    const ref = await replicaRef(id);
    await killPrograms(await site.place(folder, dataSource).programsOf(ref), ['litefs']);
    await until(async () => (await stateOf(id, ref)) === 'stopped', { what: 'its end to be seen' });
    app.get(ReplicaKeeper, { strict: false }).sweep();
    await shownAtReplica(id, 'Buy milk');
  });

  it('is configured anew in the epoch that its tenant has by now, when it wakes', async () => {
    const id = await withReplica();
    await app.close();
    await dataSource.query('UPDATE user_apps SET epoch = 2');
    await startControlPlane();
    expect((await call(id, 'POST', 'of epoch 2')).status).toBe(201);
    await shownAtReplica(id, 'of epoch 2');
  });

  it('is refused where there is one, and for a tenant on a plain directory', async () => {
    const id = await withReplica();
    const replicas = app.get(ReplicasService, { strict: false });
    await expect(replicas.add(id, 'syd')).rejects.toMatchObject({ code: 'replica_not_possible' });
    await expect(replicas.add(id, 'fra')).rejects.toMatchObject({ code: 'replica_not_possible' });
    await app.close();
    await startControlPlane({}, false);
    const plain = await signedUp();
    await expect(app.get(ReplicasService, { strict: false }).add(plain, 'syd')).rejects.toThrow(/plain directory/);
  });

  it('goes with its tenant: no volume, no mount, no row', async () => {
    const id = await withReplica();
    const { appName } = (await tenants.get(id)).tenant;
    expect(site.volumesInUse(folder, appName)).toBe(2);
    atomically(dataSource, (db) => tenants.markDeletedWithin(db, id, Date.now()));
    await until(async () => (await tenants.find(id)) === null, { what: 'its end' });
    await until(async () => (await tenants.replicasOf(id)).length === 0, { what: 'the end of its replica' });
    expect(site.volumesInUse(folder, appName)).toBe(0);
    expect(mounts()).toEqual([]);
  });
}

async function startControlPlane(settings: Partial<ControlPlaneConfig> = {}, isOnLitefs = true) {
  const where = site.environment(isOnLitefs);
  const environment = { DATA_DIR: folder, LOG_LEVEL: 'warn', PATH: process.env.PATH, ...where };
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

interface Answer {
  status: number;
  code?: string;
  titles?: string[];
}

/** One request through the gate, as the proxy makes it: after a 421 it looks at the machine again. To `origin` instead where one is given. */
async function call(id: string, method: 'GET' | 'POST', title?: string, origin?: string, tries = 2): Promise<Answer> {
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
    if (response.statusCode === 421 && !origin && tries > 1) {
      gates.distrust(route);
      return await call(id, method, title, origin, tries - 1);
    }
    return { status: response.statusCode, code: body.code, titles: body.items?.map((item) => item.title) };
  } finally {
    leave();
  }
}

async function replicaRef(id: string): Promise<MachineRef> {
  const [replica] = await tenants.replicasOf(id);
  return { appName: replica?.appName ?? '', machineId: replica?.machineId ?? '' };
}

const platform = () => app.get<Platform>(PLATFORM, { strict: false });

async function stateOf(tenantId: string, { appName, machineId }: MachineRef): Promise<string | undefined> {
  const { machines } = await platform().look({ appName, tenantId }, AbortSignal.timeout(5000));
  return machines.find(({ id }) => id === machineId)?.state;
}

async function replicaOrigin(id: string): Promise<string> {
  return (await platform().address(await replicaRef(id), AbortSignal.timeout(5000))).origin;
}

/** The newest to-do, read from the replica itself; one that starts has no address and refuses connections for a moment. */
async function shownAtReplica(id: string, title: string): Promise<void> {
  const isShown = async () => (await call(id, 'GET', undefined, await replicaOrigin(id))).titles?.[0] === title;
  // A container that waits for a primary which is not there any more has ten seconds to end.
  await until(() => isShown().catch(() => false), {
    ms: 25_000,
    what: () => `${title} at the replica\n${logged.join('')}`,
  });
}

const mounts = () => site.place(folder, dataSource).mounts();
