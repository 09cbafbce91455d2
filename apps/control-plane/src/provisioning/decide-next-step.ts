import type { Seen } from '@app/minifly-client/platform';
import type { Readiness } from '../machines/readiness';
import { APP_NAME_DIGITS, appNameOf } from '../tenants/app-name';
import type { Tenant } from '../tenants/tenant.entity';
import type { UserApp } from '../tenants/user-app.entity';

/** Why an app is not to be had, for good until somebody retries or puts it right. */
export type FailCode =
  | 'name_taken'
  /** The tenant has a database, and its volume, or the database on it, is not there. Never answered with an empty one. */
  | 'volume_missing'
  | 'wrong_volume'
  | 'not_ready'
  | 'machine_stuck';

export type NextStep =
  | { do: 'create_app' }
  /** The name is somebody else's: more digits of the user's id. */
  | { do: 'rename'; appName: string }
  | { do: 'create_volume'; knownVolumeId: string | null }
  | { do: 'create_machine' }
  | { do: 'start'; machineId: string }
  | { do: 'probe'; machineId: string }
  | { do: 'activate'; machineId: string; databaseId: string }
  | { do: 'wait'; until: number; why: 'missing' | 'not_ready' | 'in_between'; detail: string }
  | { do: 'fail'; code: FailCode; detail: string }
  /** Machine, volume and app are removed. */
  | { do: 'destroy' }
  /** Nothing of the tenant is left on the platform: its rows go. */
  | { do: 'forget' };

export type RowFacts = Pick<
  UserApp,
  'userId' | 'appName' | 'volumeId' | 'machineId' | 'statusSince' | 'attempts' | 'missingSince' | 'missingLooks'
> & { status: 'provisioning' | 'deleting' };

export interface StepLimits {
  /** Refused or not ready for so long, it has failed. */
  deadlineMs: number;
  /** What the row names and the platform does not show is believed gone after three looks over so long. */
  goneMs: number;
}

/** A deadline that passed while the platform was away says nothing: it takes tries that were answered, too. */
export const MIN_ATTEMPTS = 3;
const GONE_LOOKS = 3;
const READY_PAUSE_MS = 250;
const SETTLE_PAUSE_MS = 500;

/**
 * The next thing to do for a row, from what is on it and what the platform and the machine showed just now. Pure.
 * `readiness` is null until the machine was asked.
 */
export function decideNextStep(
  row: RowFacts,
  tenant: Pick<Tenant, 'databaseId'>,
  seen: Seen,
  readiness: Readiness | null,
  now: number,
  limits: StepLimits,
): NextStep {
  if (row.status === 'deleting') return { do: seen.app === 'ours' ? 'destroy' : 'forget' };
  switch (seen.app) {
    case 'foreign':
      return nextName(row, tenant);
    case 'absent':
      return decideWithoutApp(row, tenant, now, limits);
    case 'ours':
      return decideVolume(row, tenant, seen, readiness, now, limits);
  }
}

/** Only a name that never carried anything of the tenant's is given up. */
function nextName(row: RowFacts, tenant: Pick<Tenant, 'databaseId'>): NextStep {
  const detail = `The name ${row.appName} belongs to somebody else on the platform.`;
  if (row.volumeId || row.machineId || tenant.databaseId) return { do: 'fail', code: 'name_taken', detail };
  const [appName] = APP_NAME_DIGITS.map((digits) => appNameOf(row.userId, digits)).filter(
    (name) => name.length > row.appName.length,
  );
  return appName ? { do: 'rename', appName } : { do: 'fail', code: 'name_taken', detail };
}

function decideWithoutApp(
  row: RowFacts,
  tenant: Pick<Tenant, 'databaseId'>,
  now: number,
  limits: StepLimits,
): NextStep {
  if (!row.volumeId && !row.machineId && !tenant.databaseId) return { do: 'create_app' };
  const wait = waitWhileMissing(row, `the app ${row.appName}`, now, limits);
  if (wait) return wait;
  if (tenant.databaseId) return volumeMissing(`The app ${row.appName} is gone, and its volume with it.`);
  return { do: 'create_app' };
}

function decideVolume(
  row: RowFacts,
  tenant: Pick<Tenant, 'databaseId'>,
  seen: Seen,
  readiness: Readiness | null,
  now: number,
  limits: StepLimits,
): NextStep {
  const isThere = seen.volumes.some(({ id }) => id === row.volumeId);
  if (isThere) return decideMachine(row, seen, readiness, now, limits);
  if (tenant.databaseId) {
    return volumeMissing(row.volumeId ? `The volume ${row.volumeId} is gone.` : 'No volume is on record.');
  }
  // Never healthy, so nobody ever kept anything in it: another one may take its place, once it is believed gone.
  const wait = row.volumeId && waitWhileMissing(row, `the volume ${row.volumeId}`, now, limits);
  return wait || { do: 'create_volume', knownVolumeId: null };
}

function decideMachine(
  row: RowFacts,
  seen: Seen,
  readiness: Readiness | null,
  now: number,
  limits: StepLimits,
): NextStep {
  if (row.machineId === null) return { do: 'create_machine' };
  const machine = seen.machines.find(({ id }) => id === row.machineId);
  if (!machine) return waitWhileMissing(row, `the machine ${row.machineId}`, now, limits) ?? { do: 'create_machine' };
  if (machine.volumeId !== row.volumeId) {
    const detail = `The machine ${machine.id} mounts ${machine.volumeId ?? 'no volume'}, not ${row.volumeId}.`;
    return { do: 'fail', code: 'wrong_volume', detail };
  }
  switch (machine.state) {
    case 'created':
    case 'stopped':
    case 'suspended':
    case 'failed':
      return { do: 'start', machineId: machine.id };
    case 'started':
      return decideReady(row, machine.id, readiness, now, limits);
    default: {
      const detail = `The machine ${machine.id} is ${machine.state}.`;
      if (isOverdue(row, now, limits)) return { do: 'fail', code: 'machine_stuck', detail };
      return { do: 'wait', until: now + SETTLE_PAUSE_MS, why: 'in_between', detail };
    }
  }
}

function decideReady(
  row: RowFacts,
  machineId: string,
  readiness: Readiness | null,
  now: number,
  limits: StepLimits,
): NextStep {
  if (!readiness) return { do: 'probe', machineId };
  switch (readiness.outcome) {
    case 'ready':
      return { do: 'activate', machineId, databaseId: readiness.databaseId };
    case 'wrongDatabase':
      return volumeMissing(`The tenant's database is not on its volume: ${readiness.detail}.`);
    case 'notYet':
    case 'wrongTenant':
    case 'wrongSchema': {
      const detail = `The machine ${machineId} was started and is not ready: ${readiness.detail}.`;
      if (isOverdue(row, now, limits)) return { do: 'fail', code: 'not_ready', detail };
      return { do: 'wait', until: now + READY_PAUSE_MS, why: 'not_ready', detail };
    }
  }
}

/** True when the deadline has passed and the row had its tries: then one more that comes to nothing is a failure. */
export function isOverdue(row: Pick<RowFacts, 'statusSince' | 'attempts'>, now: number, limits: StepLimits): boolean {
  return now - row.statusSince >= limits.deadlineMs && row.attempts + 1 >= MIN_ATTEMPTS;
}

/** Lists lag, and an API can have a bad day: null only when three looks over the whole time have lacked it. */
function waitWhileMissing(row: RowFacts, what: string, now: number, limits: StepLimits): NextStep | null {
  const missingFor = now - (row.missingSince ?? now);
  if (row.missingLooks + 1 >= GONE_LOOKS && missingFor >= limits.goneMs) return null;
  const until = now + Math.ceil(limits.goneMs / (GONE_LOOKS - 1));
  return { do: 'wait', until, why: 'missing', detail: `The platform does not show ${what}.` };
}

function volumeMissing(detail: string): NextStep {
  return { do: 'fail', code: 'volume_missing', detail };
}
