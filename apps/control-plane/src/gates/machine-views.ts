import { LRUCache } from 'lru-cache';

export interface MachineView {
  /** In Fly's words, or `unknown`. */
  state: string;
  /** Epoch milliseconds; null where it was never seen. */
  seenAt: number | null;
}

/** What this process saw last of each machine, by tenant for a primary and by row for a replica, for the pages; those that were not seen for the longest are forgotten. */
export class MachineViews {
  private readonly seen = new LRUCache<string, MachineView>({ max: 10_000 });

  saw(tenantId: string, state: string, at: number): void {
    this.seen.set(tenantId, { state, seenAt: at });
  }

  of(tenantId: string): MachineView {
    return this.seen.get(tenantId) ?? { state: 'unknown', seenAt: null };
  }
}
