import type { Clock } from '@app/common/time/clock';
import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CLOCK } from '../clock.token';

const KEPT_MS = 60_000;
const MAX_KEPT = 1_000;

/** What a page says once, after a form went through. A new API token is shown this way: it stands in no URL, and a reload makes no second one. */
export type FlashMessage =
  | { about: 'password' | 'sessions' | 'tokens' | 'import'; text: string }
  | { about: 'new-token'; name: string; token: string };

/** Keeps for each session what its next page says; in memory, for a minute at most. */
@Injectable()
export class Flash {
  private readonly kept = new LRUCache<string, { message: FlashMessage; until: number }>({ max: MAX_KEPT });

  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  put(sessionHash: string, message: FlashMessage): void {
    this.kept.set(sessionHash, { message, until: this.clock.now() + KEPT_MS });
  }

  /** Gives it and forgets it. */
  take(sessionHash: string): FlashMessage | null {
    const found = this.kept.get(sessionHash);
    this.kept.delete(sessionHash);
    return found && found.until > this.clock.now() ? found.message : null;
  }
}
