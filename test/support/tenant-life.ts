import { loadConfig } from '@app/common/config/load-config';
import { createLogger } from '@app/common/logging/logger';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { ControlPlaneConfig } from '../../apps/control-plane/src/config';
import { atomically } from '../../apps/control-plane/src/database/atomically';
import { openDatabase } from '../../apps/control-plane/src/database/open-database';
import { AwakeSweep } from '../../apps/control-plane/src/gates/awake-sweep';
import { GatesService } from '../../apps/control-plane/src/gates/gates.service';
import { IdleStop } from '../../apps/control-plane/src/gates/idle-stop';
import { MachineViews } from '../../apps/control-plane/src/gates/machine-views';
import { Waker } from '../../apps/control-plane/src/gates/waker';
import { MachineSpecs } from '../../apps/control-plane/src/machines/machine-spec';
import { PlatformEvents } from '../../apps/control-plane/src/machines/platform-events';
import { StartQueue } from '../../apps/control-plane/src/machines/start-queue';
import { TenantTokenSigner } from '../../apps/control-plane/src/machines/token-signer';
import { Metrics } from '../../apps/control-plane/src/observability/metrics';
import { ProvisionerService } from '../../apps/control-plane/src/provisioning/provisioner.service';
import { ProvisioningRows } from '../../apps/control-plane/src/provisioning/provisioning-rows';
import { Steps } from '../../apps/control-plane/src/provisioning/steps';
import { Tenant } from '../../apps/control-plane/src/tenants/tenant.entity';
import { TenantsService } from '../../apps/control-plane/src/tenants/tenants.service';
import { TimelineService } from '../../apps/control-plane/src/tenants/timeline.service';
import { UserApp } from '../../apps/control-plane/src/tenants/user-app.entity';
import { ScriptedPlatform, ScriptedProbe } from './scripted-platform';

/** A clock that a test moves. */
export class HandClock {
  constructor(private time = 1_790_000_000_000) {}

  now(): number {
    return this.time;
  }

  pass(ms: number): void {
    this.time += ms;
  }
}

/** What a restart leaves behind: the database, the platform and the time. */
export interface World {
  folder: string;
  dataSource: DataSource;
  platform: ScriptedPlatform;
  probe: ScriptedProbe;
  clock: HandClock;
}

export async function newWorld(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'tenant-life-'));
  const dataSource = await openDatabase(join(folder, 'control-plane.sqlite'));
  const platform = new ScriptedPlatform();
  const clock = new HandClock();
  return { folder, dataSource, platform, probe: new ScriptedProbe(platform, clock), clock };
}

export async function endWorld(world: World): Promise<void> {
  await world.dataSource.destroy();
  rmSync(world.folder, { recursive: true, force: true });
}

/** Gates and provisioning of one process, on a world that may have seen others. */
export function newProcess(world: World, settings: Partial<ControlPlaneConfig> = {}, secret = 'a secret of the tests') {
  const { dataSource, platform, probe, clock } = world;
  const config = { ...loadConfig(ControlPlaneConfig, {}), ...settings };
  const log = createLogger({ app: 'control-plane', level: 'silent' });
  const timeline = Object.assign(new TimelineService(dataSource), { clock });
  const tenants = new TenantsService(dataSource, timeline);
  const signer = new TenantTokenSigner([secret], clock);
  const specs = new MachineSpecs(config, signer);
  const starts = new StartQueue();
  const views = new MachineViews();
  const metrics = new Metrics();
  const events = new PlatformEvents();
  const waker = new Waker(
    platform,
    clock,
    log,
    dataSource,
    tenants,
    timeline,
    specs,
    probe,
    starts,
    signer,
    views,
    metrics,
  );
  const gates = new GatesService(platform, config, clock, log, dataSource, timeline, waker, signer, views, metrics);
  const sweep = new AwakeSweep(platform, clock, log, dataSource, gates, events);
  const idleStop = new IdleStop(config, gates);
  const rows = new ProvisioningRows(dataSource);
  const steps = new Steps(platform, config, clock, rows, gates, timeline, specs, probe, starts, metrics);
  const provisioner = new ProvisionerService(
    config,
    clock,
    log,
    rows,
    steps,
    tenants,
    timeline,
    gates,
    events,
    metrics,
  );

  return {
    config,
    log,
    specs,
    timeline,
    tenants,
    gates,
    sweep,
    idleStop,
    provisioner,
    events,
    metrics,
    /** Carries on what is due now and waits until it rests. */
    async provision(): Promise<void> {
      provisioner.takeUpDue();
      await provisioner.whenAtRest();
    },
    /** What it waits for in this moment never ends, and no timer of it fires again. */
    kill(): void {
      gates.onModuleDestroy();
      provisioner.onModuleDestroy();
      idleStop.onModuleDestroy();
    },
    async stop(): Promise<void> {
      this.kill();
      await sweep.onModuleDestroy();
      await gates.onApplicationShutdown();
      await provisioner.onApplicationShutdown();
    },
  };
}

export type Process = ReturnType<typeof newProcess>;

/** A user with a tenant that is to be provisioned, as sign-up writes them. */
export function signUp(world: World, process: Process, userId: string = randomUUID()): string {
  atomically(world.dataSource, (db) => {
    db.prepare('INSERT INTO users (id, email, password_hash, created_at) VALUES (?, ?, ?, ?)').run(
      userId,
      `${userId}@example.test`,
      '-',
      world.clock.now(),
    );
    process.tenants.createWithin(db, { id: userId, region: 'fra', at: world.clock.now() });
  });
  return userId;
}

/** A tenant that was provisioned and whose machine runs. */
export async function signUpActive(world: World, process: Process): Promise<string> {
  const userId = signUp(world, process);
  await process.provision();
  return userId;
}

export async function rowOf(world: World, userId: string): Promise<UserApp> {
  return world.dataSource.getRepository(UserApp).findOneByOrFail({ userId, role: 'primary' });
}

export async function tenantOf(world: World, id: string): Promise<Tenant> {
  return world.dataSource.getRepository(Tenant).findOneByOrFail({ id });
}

export async function eventsOf(process: Process, userId: string): Promise<string[]> {
  const events = await process.timeline.list(userId);
  return events.map(({ kind, step }) => (step ? `${kind} ${step}` : kind));
}
