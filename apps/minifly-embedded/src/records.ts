import type { MachineState } from './machine-state';
import type { MachineConfig } from './machine-request';

export interface AppRecord {
  id: string;
  name: string;
  orgSlug: string;
  network: string | null;
  createdAt: number;
}

export interface VolumeRecord {
  id: string;
  appName: string;
  name: string;
  region: string;
  sizeGb: number;
  createdAt: number;
}

/** An entry of a machine's history, as Fly shows it. */
export interface MachineEventRecord {
  id: string;
  type: 'launch' | 'start' | 'exit' | 'update' | 'destroy' | 'restart' | 'suspend';
  status: MachineState;
  source: 'user' | 'flyd';
  timestamp: number;
  request?: { exit_event: ExitEvent };
}

export interface ExitEvent {
  exit_code: number | null;
  signal: string | null;
  oom_killed: boolean;
  requested_stop: boolean;
}

export interface MachineRecord {
  id: string;
  appName: string;
  name: string;
  state: MachineState;
  region: string;
  /** A ULID, new with each configuration. */
  version: string;
  config: MachineConfig;
  privateIp: string;
  /** Where machines share an address (not on Linux): the port that is this machine's alone. */
  privatePort: number | null;
  createdAt: number;
  updatedAt: number;
  events: MachineEventRecord[];
}
