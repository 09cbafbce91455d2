import { join } from 'node:path';
import { migrate, type SqliteMigration } from '@app/common/sqlite/migrate';
import { openSqlite, type SqliteDatabase } from '@app/common/sqlite/open';
import type { MachineState } from './machine-state';
import type { AppRecord, MachineEventRecord, MachineRecord, VolumeRecord } from './records';

const MIGRATIONS: readonly SqliteMigration[] = [
  {
    version: 1,
    name: 'apps, machines, volumes',
    sql: `
      CREATE TABLE apps (
        name TEXT PRIMARY KEY, id TEXT NOT NULL, org_slug TEXT NOT NULL, network TEXT, created_at INTEGER NOT NULL,
        deleting INTEGER NOT NULL DEFAULT 0
      ) STRICT;
      CREATE TABLE machines (
        id TEXT PRIMARY KEY, app_name TEXT NOT NULL REFERENCES apps(name), name TEXT NOT NULL, state TEXT NOT NULL,
        region TEXT NOT NULL, version TEXT NOT NULL, config TEXT NOT NULL, volume_id TEXT, private_ip TEXT NOT NULL,
        private_port INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, events TEXT NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX machine_name ON machines(app_name, name) WHERE state <> 'destroyed';
      CREATE UNIQUE INDEX machine_volume ON machines(volume_id) WHERE state <> 'destroyed';
      CREATE TABLE volumes (
        id TEXT PRIMARY KEY, app_name TEXT NOT NULL REFERENCES apps(name), name TEXT NOT NULL, region TEXT NOT NULL,
        size_gb INTEGER NOT NULL, created_at INTEGER NOT NULL, deleting INTEGER NOT NULL DEFAULT 0
      ) STRICT;
      CREATE INDEX volume_app ON volumes(app_name);
      CREATE TABLE processes (machine_id TEXT PRIMARY KEY, pid INTEGER NOT NULL, started_at TEXT NOT NULL) STRICT;
      CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
    `,
  },
];

/** What identifies a process beyond its pid, which the system gives out again. */
export interface ProcessRecord {
  machineId: string;
  pid: number;
  startedAt: string;
}

const KEPT_EVENTS = 50; // as many as Fly shows at most

/**
 * The platform's state in one SQLite file. What a client may build on (apps, machines, volumes) is on disk before the call
 * returns. What only lives as long as the processes (their state, their ids) skips the wait for the disk: it survives a killed
 * platform, and after a power cut every machine is stopped anyway.
 */
export class Store {
  readonly #durable: SqliteDatabase;
  readonly #quick: SqliteDatabase;
  readonly #saveState;
  readonly #saveProcess;
  readonly #dropProcess;
  readonly #findMachine;

  constructor(stateDir: string) {
    const file = join(stateDir, 'platform.sqlite');
    this.#durable = openSqlite(file, { synchronous: 'FULL' });
    migrate(this.#durable, MIGRATIONS);
    this.#quick = openSqlite(file, { synchronous: 'NORMAL' });
    this.#saveState = this.#quick.prepare('UPDATE machines SET state = ?, events = ?, updated_at = ? WHERE id = ?');
    this.#saveProcess = this.#quick.prepare('INSERT OR REPLACE INTO processes VALUES (?, ?, ?)');
    this.#dropProcess = this.#quick.prepare('DELETE FROM processes WHERE machine_id = ?');
    this.#findMachine = this.#quick.prepare<[string, string], MachineRow>(
      'SELECT * FROM machines WHERE id = ? AND app_name = ?',
    );
  }

  close(): void {
    this.#quick.close();
    this.#durable.close();
  }

  insertApp(app: AppRecord): void {
    const sql = 'INSERT INTO apps (name, id, org_slug, network, created_at) VALUES (?, ?, ?, ?, ?)';
    this.#durable.prepare(sql).run(app.name, app.id, app.orgSlug, app.network, app.createdAt);
  }

  /** Null also for one that is being deleted. */
  app(name: string): AppRecord | null {
    const row = this.#quick.prepare<[string], AppRow>('SELECT * FROM apps WHERE name = ? AND deleting = 0').get(name);
    return row ? toApp(row) : null;
  }

  isAppNameTaken(name: string): boolean {
    return this.#quick.prepare('SELECT 1 FROM apps WHERE name = ?').get(name) !== undefined;
  }

  apps(orgSlug: string): AppRecord[] {
    const sql = 'SELECT * FROM apps WHERE org_slug = ? AND deleting = 0 ORDER BY name';
    return this.#quick.prepare<[string], AppRow>(sql).all(orgSlug).map(toApp);
  }

  appsBeingDeleted(): string[] {
    const rows = this.#quick.prepare<[], { name: string }>('SELECT name FROM apps WHERE deleting = 1').all();
    return rows.map(({ name }) => name);
  }

  markAppDeleting(name: string): void {
    this.#durable.prepare('UPDATE apps SET deleting = 1 WHERE name = ?').run(name);
  }

  /** The app with the rows of whatever it had. */
  removeApp(name: string): void {
    this.#durable
      .transaction(() => {
        this.#durable.prepare('DELETE FROM machines WHERE app_name = ?').run(name);
        this.#durable.prepare('DELETE FROM volumes WHERE app_name = ?').run(name);
        this.#durable.prepare('DELETE FROM apps WHERE name = ?').run(name);
      })
      .immediate();
  }

  insertVolume(volume: VolumeRecord): void {
    const sql = 'INSERT INTO volumes (id, app_name, name, region, size_gb, created_at) VALUES (?, ?, ?, ?, ?, ?)';
    const { id, appName, name, region, sizeGb, createdAt } = volume;
    this.#durable.prepare(sql).run(id, appName, name, region, sizeGb, createdAt);
  }

  volumes(appName: string): VolumeRecord[] {
    const sql = 'SELECT * FROM volumes WHERE app_name = ? AND deleting = 0 ORDER BY created_at, id';
    return this.#quick.prepare<[string], VolumeRow>(sql).all(appName).map(toVolume);
  }

  volume(appName: string, id: string): VolumeRecord | null {
    const sql = 'SELECT * FROM volumes WHERE id = ? AND app_name = ? AND deleting = 0';
    const row = this.#quick.prepare<[string, string], VolumeRow>(sql).get(id, appName);
    return row ? toVolume(row) : null;
  }

  resizeVolume(id: string, sizeGb: number): void {
    this.#durable.prepare('UPDATE volumes SET size_gb = ? WHERE id = ?').run(sizeGb, id);
  }

  volumesBeingDeleted(): VolumeRecord[] {
    return this.#quick.prepare<[], VolumeRow>('SELECT * FROM volumes WHERE deleting = 1').all().map(toVolume);
  }

  markVolumeDeleting(id: string): void {
    this.#durable.prepare('UPDATE volumes SET deleting = 1 WHERE id = ?').run(id);
  }

  removeVolume(id: string): void {
    this.#durable.prepare('DELETE FROM volumes WHERE id = ?').run(id);
  }

  hasVolume(id: string): boolean {
    return this.#quick.prepare('SELECT 1 FROM volumes WHERE id = ?').get(id) !== undefined;
  }

  /** The machine that has the volume, one that is being destroyed included. */
  machineOfVolume(volumeId: string): MachineRecord | null {
    const sql = "SELECT * FROM machines WHERE volume_id = ? AND state <> 'destroyed'";
    const row = this.#quick.prepare<[string], MachineRow>(sql).get(volumeId);
    return row ? toMachine(row) : null;
  }

  insertMachine(machine: MachineRecord): void {
    const sql = 'INSERT INTO machines VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)';
    this.#durable
      .prepare(sql)
      .run(
        machine.id,
        machine.appName,
        machine.name,
        machine.state,
        machine.region,
        machine.version,
        JSON.stringify(machine.config),
        machine.config.mounts?.[0]?.volume ?? null,
        machine.privateIp,
        machine.privatePort,
        machine.createdAt,
        machine.updatedAt,
        JSON.stringify(machine.events),
      );
  }

  /** Machines of the app, destroyed ones included. */
  machines(appName: string): MachineRecord[] {
    const sql = 'SELECT * FROM machines WHERE app_name = ? ORDER BY created_at, id';
    return this.#quick.prepare<[string], MachineRow>(sql).all(appName).map(toMachine);
  }

  allMachines(): MachineRecord[] {
    const rows = this.#quick.prepare<[], MachineRow>("SELECT * FROM machines WHERE state <> 'destroyed'").all();
    return rows.map(toMachine);
  }

  machine(appName: string, id: string): MachineRecord | null {
    const row = this.#findMachine.get(id, appName);
    return row ? toMachine(row) : null;
  }

  machineNamed(appName: string, name: string): MachineRecord | null {
    const sql = "SELECT * FROM machines WHERE app_name = ? AND name = ? AND state <> 'destroyed'";
    const row = this.#quick.prepare<[string, string], MachineRow>(sql).get(appName, name);
    return row ? toMachine(row) : null;
  }

  /** Configuration, version, state and history, on disk. */
  saveMachine(machine: MachineRecord): void {
    const sql = 'UPDATE machines SET config = ?, version = ?, state = ?, events = ?, updated_at = ? WHERE id = ?';
    const { config, version, state, updatedAt, id } = machine;
    this.#durable.prepare(sql).run(JSON.stringify(config), version, state, eventsText(machine.events), updatedAt, id);
  }

  /** State and history without waiting for the disk; `process` set or gone with them. */
  saveState(machine: MachineRecord, process: ProcessRecord | null): void {
    this.#quick.transaction(() => {
      this.#saveState.run(machine.state, eventsText(machine.events), machine.updatedAt, machine.id);
      if (process) this.#saveProcess.run(process.machineId, process.pid, process.startedAt);
      else this.#dropProcess.run(machine.id);
    })();
  }

  processes(): ProcessRecord[] {
    const sql = 'SELECT machine_id AS machineId, pid, started_at AS startedAt FROM processes';
    return this.#quick.prepare<[], ProcessRecord>(sql).all();
  }

  /** The next number of a counter, on disk before it is used: it is never given twice. */
  nextNumber(counter: string, first: number): number {
    const sql = 'INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value';
    return this.#durable.prepare<[string, number], { value: number }>(sql).get(counter, first)?.value ?? first;
  }
}

interface AppRow {
  name: string;
  id: string;
  org_slug: string;
  network: string | null;
  created_at: number;
}

interface VolumeRow {
  id: string;
  app_name: string;
  name: string;
  region: string;
  size_gb: number;
  created_at: number;
}

interface MachineRow {
  id: string;
  app_name: string;
  name: string;
  state: string;
  region: string;
  version: string;
  config: string;
  private_ip: string;
  private_port: number | null;
  created_at: number;
  updated_at: number;
  events: string;
}

const eventsText = (events: MachineEventRecord[]) => JSON.stringify(events.slice(0, KEPT_EVENTS));

function toApp({ name, id, org_slug, network, created_at }: AppRow): AppRecord {
  return { name, id, orgSlug: org_slug, network, createdAt: created_at };
}

function toVolume({ id, app_name, name, region, size_gb, created_at }: VolumeRow): VolumeRecord {
  return { id, appName: app_name, name, region, sizeGb: size_gb, createdAt: created_at };
}

function toMachine(row: MachineRow): MachineRecord {
  return {
    id: row.id,
    appName: row.app_name,
    name: row.name,
    state: row.state as MachineState, // only this class writes it
    region: row.region,
    version: row.version,
    config: JSON.parse(row.config) as MachineRecord['config'],
    privateIp: row.private_ip,
    privatePort: row.private_port,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    events: JSON.parse(row.events) as MachineEventRecord[],
  };
}
