import type { MachineSpec } from './platform';

export interface LedgerVolume {
  id: string;
  region: string;
  sizeGb: number;
  /** Noted before the first container mounts it. */
  wasMounted: boolean;
}

export interface LedgerMachine {
  /** `<app>-<region>`: what the platform's callers know the machine by, for life. */
  name: string;
  region: string;
  /** What its container is made from. */
  spec: MachineSpec;
  /** The machine of Minifly's that has its container; null until there is one, and again when that one is to be replaced. */
  madeAs: string | null;
}

/** What is known of one app. */
export interface LedgerPage {
  appName: string;
  tenantId: string;
  volumes: LedgerVolume[];
  machines: LedgerMachine[];
}

/**
 * The books that Minifly does not keep: it stores no volume, and forgets apps and machines when it restarts. One page an app.
 * They have to last at least as long as the rows that name what is in them.
 */
export interface MiniflyLedger {
  read(appName: string): Promise<LedgerPage | null>;
  /** In one transaction: `edit` gets the page as it is and gives it as it shall be, or null for none. Gives what was written. */
  change(appName: string, edit: (page: LedgerPage | null) => LedgerPage | null): Promise<LedgerPage | null>;
}
