import type { MachineRef, Platform } from '@app/minifly-client/platform';
import type { MachinePrograms } from './machine-processes';

/** Where tenants on LiteFS run, as this computer sees it beside the platform's own verbs. */
export interface LitefsPlace {
  programsOf(ref: MachineRef): Promise<MachinePrograms>;
  /** All mounts of LiteFS that are there, live or stale. */
  mounts(): string[];
}

/** A platform with nothing on it, for one tenant's machines on LiteFS. */
export interface LitefsGround extends LitefsPlace {
  readonly platform: Platform;
  /** Tries to write into a running machine's database beside its app; gives SQLite's code for the refusal, or `written`. */
  writeBesideApp(ref: MachineRef): Promise<string>;
  /** Where the machine's LiteFS is reached from here. */
  litefsUrl(ref: MachineRef): Promise<string>;
  /** Past the control plane: as it was when it was last configured. */
  startByHand(ref: MachineRef): Promise<void>;
  /** For a failure to show. */
  output(): string;
  end(): Promise<void>;
}
