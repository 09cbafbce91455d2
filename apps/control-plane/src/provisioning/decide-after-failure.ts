import { MachinesApiError } from '@app/minifly-client/errors';
import { couldNotAsk, describePlatformError, isVolumeMissing } from '../machines/platform-errors';
import type { UserApp } from '../tenants/user-app.entity';
import { isOverdue, type StepLimits } from './decide-next-step';

export type AfterFailure =
  /** Nothing is known, so nothing changes but when to ask again. */
  | { do: 'ask_later'; at: number; code: string; detail: string }
  /** It was refused: counted, and tried again. */
  | { do: 'try_again'; at: number; code: string; detail: string }
  | { do: 'fail'; code: string; detail: string };

const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 30_000;
const FIRST_OUTAGE_PAUSE_MS = 500;
const LAST_OUTAGE_PAUSE_MS = 15_000;

export interface FailureFacts {
  row: Pick<UserApp, 'status' | 'statusSince' | 'attempts'>;
  hasDatabase: boolean;
  error: unknown;
  /** How often in a row the platform could not be asked, for whichever tenant. */
  outages: number;
  now: number;
  random: () => number;
}

/** What follows when a step was not done. Pure. Only what was refused can fail, and a deletion never does: it is tried until it is done. */
export function decideAfterFailure(facts: FailureFacts, limits: StepLimits): AfterFailure {
  const { row, error, now } = facts;
  const why = describePlatformError(error);
  if (couldNotAsk(error)) {
    const pauseMs = grow(FIRST_OUTAGE_PAUSE_MS, LAST_OUTAGE_PAUSE_MS, facts.outages, facts.random);
    return { do: 'ask_later', at: now + Math.max(pauseMs, askedPauseMs(error)), ...why };
  }
  if (row.status === 'provisioning') {
    if (facts.hasDatabase && isVolumeMissing(error)) return { do: 'fail', ...why };
    if (isOverdue(row, now, limits)) return { do: 'fail', ...why };
  }
  const pauseMs = grow(FIRST_PAUSE_MS, LAST_PAUSE_MS, row.attempts, facts.random);
  return { do: 'try_again', at: now + Math.max(pauseMs, askedPauseMs(error)), ...why };
}

/** Doubles, up to a ceiling, and is spread over its upper half, so that many rows do not come back at once. */
function grow(firstMs: number, lastMs: number, times: number, random: () => number): number {
  const ceiling = Math.min(lastMs, firstMs * 2 ** Math.min(times, 20));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}

function askedPauseMs(error: unknown): number {
  return error instanceof MachinesApiError ? Math.min(error.retryAfterMs ?? 0, 60_000) : 0;
}
