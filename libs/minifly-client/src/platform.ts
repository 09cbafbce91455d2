/** Names one tenant's machine in one region as the control plane's row knows it. */
export interface MachineRef {
  appName: string;
  machineId: string;
}

export interface AppSpec {
  appName: string;
  tenantId: string;
}

export interface VolumeSpec {
  appName: string;
  tenantId: string;
  region: string;
  sizeGb: number;
  /** Of the machine that will mount it: where volumes have hosts, one is chosen that has room for both. */
  memoryMb: number;
  /** The volume the caller's row already names: looked for, never replaced by another. */
  knownVolumeId: string | null;
}

export interface MachineSpec {
  appName: string;
  tenantId: string;
  region: string;
  volumeId: string;
  image: string;
  env: Record<string, string>;
  mountPath: string;
  internalPort: number;
  memoryMb: number;
  /** The host of the machine has no room to start it: it is made anew on another one, on a copy of its volume. */
  onAnotherHost?: boolean;
}

export interface MadeMachine {
  machineId: string;
  /** What it mounts. Another volume than the caller's where a platform moved the machine to a copy: the caller's row takes it over. */
  volumeId: string;
}

/** Where a machine is reached, and what every request to it has to say besides. */
export interface MachineAddress {
  /** Such as `http://127.0.0.2:3000`. */
  origin: string;
  headers: Readonly<Record<string, string>>;
  /** Where everybody reaches it, past the control plane; absent where nobody else does. */
  publicOrigin?: string;
}

export interface SeenVolume {
  id: string;
  region: string;
  attachedMachineId: string | null;
  everMounted: boolean;
}

export interface SeenMachine {
  id: string;
  name: string;
  /** In Fly's words: created, starting, started, stopping, stopped, … */
  state: string;
  region: string;
  volumeId: string | null;
  env: Record<string, string>;
  version: string;
}

/** What the platform shows of one tenant's app. 'foreign' = the name exists and does not bear our tenant id. */
export interface Seen {
  app: 'absent' | 'ours' | 'foreign';
  volumes: SeenVolume[];
  machines: SeenMachine[];
}

/**
 * What the control plane asks of the place its tenants run in: a few verbs, each safe to repeat after a lost reply or a crash.
 * All of them throw `MachinesApiError`; an aborted signal ends a verb with the signal's reason.
 */
export interface Platform {
  /** Throws reason `name_taken` when the name belongs to somebody else. */
  ensureApp(app: AppSpec, signal: AbortSignal): Promise<void>;
  /**
   * Gives the known volume, else adopts one that is ours and was never mounted (deleting further such ones), else makes one.
   * Throws reason `not_found` when the known volume is gone, and `conflict` when none is known and there is one that was mounted:
   * a tenant's data is never replaced by an empty volume.
   */
  ensureVolume(volume: VolumeSpec, signal: AbortSignal): Promise<{ volumeId: string }>;
  /**
   * Makes the machine `<app>-<region>`, not started, or adopts it once its tenant id was checked, with the volume that it mounts.
   * When its image or environment differ it is updated under the version that was seen. Never makes two. Throws reason
   * `precondition` when the volume is gone, and `reverted` when an update did not last.
   */
  ensureMachine(machine: MachineSpec, signal: AbortSignal): Promise<MadeMachine>;
  /**
   * Returns when the machine is `started`; one that is started already counts as done. Reason `capacity_host` when its host has no room
   * for it now: `ensureMachine` with `onAnotherHost` finds one that has.
   */
  start(ref: MachineRef, signal: AbortSignal): Promise<void>;
  /** Returns when the machine is at rest; that, or gone, counts as done. Reason `conflict` when somebody started it again meanwhile. */
  stop(ref: MachineRef, signal: AbortSignal): Promise<void>;
  /** Throws when it could not ask: "could not ask" is not "gone". */
  look(app: AppSpec, signal: AbortSignal): Promise<Seen>;
  /** Removes machine, volume and app, only what bears our tenant id; gone already counts as done. */
  destroy(app: AppSpec, signal: AbortSignal): Promise<void>;
  /**
   * Where the tenant's own other machines reach this one at a port that is no service, such as `http://127.0.0.2:20202`.
   * Not there on a platform whose machines do not reach each other.
   */
  peerUrl?(ref: MachineRef, port: number, signal: AbortSignal): Promise<string>;
  address(ref: MachineRef, signal: AbortSignal): Promise<MachineAddress>;
}
