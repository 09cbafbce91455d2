import { PROVISION_STEPS, type TenantEvent } from '../tenants/event.entity';
import { regionName } from '../tenants/regions';
import type { RegionResponse, StepName, StepResponse, StepStatus, TenantResponse } from '../tenants/tenant-response';
import type { AppStatus } from '../tenants/user-app.entity';
import type { TenantStatus } from '../gates/tenant-status.service';
import { homeMap, type MapView } from './world-map';

/** Colour of a state: what is well, what is under way, what is broken, and what is simply so. */
export type Tone = 'good' | 'warn' | 'bad' | 'plain';

export interface StepView {
  name: StepName;
  label: string;
  status: StepStatus;
  statusText: string;
  at: string | null;
  /** Since the work began, as in `0.34 s`. */
  timeText: string;
}

export interface FailureView {
  code: string;
  detail: string;
}

export interface ProvisioningView {
  title: string;
  heading: string;
  lead: string;
  status: AppStatus;
  /** When the work began, ISO 8601. */
  since: string | null;
  steps: StepView[];
  progress: { done: number; all: number };
  map: MapView;
  failure: FailureView | null;
  /** What the last try ran into, while the work goes on. */
  trouble: string;
  canRetry: boolean;
  isRefreshing: boolean;
}

const STEP_LABELS = {
  app: 'Create your app',
  volume: 'Create a volume for your data',
  machine: 'Create the machine',
  started: 'Start it',
  healthy: 'Hear from it that it is ready',
  destroyed: 'Remove everything',
} as const satisfies Record<StepName, string>;

const STEP_STATUS_TEXTS = {
  waiting: 'waiting',
  running: 'under way',
  done: 'done',
  failed: 'failed',
} as const satisfies Record<StepStatus, string>;

const APP_STATUSES = {
  provisioning: { text: 'being set up', tone: 'warn' },
  active: { text: 'active', tone: 'good' },
  failed: { text: 'failed', tone: 'bad' },
  deleting: { text: 'being deleted', tone: 'warn' },
} as const satisfies Record<AppStatus, { text: string; tone: Tone }>;

const MACHINE_WORDS: Readonly<Record<string, { word: string; tone: Tone }>> = {
  started: { word: 'Running', tone: 'good' },
  starting: { word: 'Waking', tone: 'warn' },
  stopping: { word: 'Asleep', tone: 'plain' },
  stopped: { word: 'Asleep', tone: 'plain' },
};

/** The dashboard of an app that is not there yet, or failed to get there. */
export function provisioningView({ tenant, events }: TenantStatus): ProvisioningView {
  const hasFailed = tenant.status === 'failed';
  const failure = hasFailed ? failureOf(tenant) : null;
  const region = tenant.regions[0]?.region ?? '';
  const place = regionName(region);
  const steps = tenant.progress?.steps ?? [];
  return {
    title: hasFailed ? 'Your app could not be set up' : 'Setting up your app',
    heading: hasFailed ? 'Your app could not be set up' : 'Setting up your app',
    lead: `A process and a database file of your own, in ${place}. This takes a moment; your list opens by itself.`,
    status: tenant.status,
    since: sinceOf(events),
    steps: stepViews(steps, sinceOf(events)),
    progress: { done: steps.filter((step) => step.status === 'done').length, all: steps.length },
    map: homeMap([region]),
    failure,
    trouble: hasFailed ? '' : troubleText(tenant),
    canRetry: hasFailed,
    isRefreshing: !hasFailed,
  };
}

export function statusView(status: AppStatus): { text: string; tone: Tone } {
  return APP_STATUSES[status];
}

/** Where a tenant's machine is and what it does, for the line beside the dashboard's heading; `static/tenant-events.js` says the same. */
export interface MachineView {
  region: string;
  place: string;
  text: string;
  tone: Tone;
}

export function machineView({ region, machineState }: RegionResponse): MachineView {
  const place = regionName(region);
  const { word, tone } = MACHINE_WORDS[machineState] ?? { word: '', tone: 'plain' };
  return { region, place, text: word ? `${word} in ${place}` : place, tone };
}

export function failureOf(tenant: TenantResponse): FailureView | null {
  if (tenant.status !== 'failed') return null;
  const { code = 'unknown', detail = 'The reason is not on record.' } = tenant.progress?.error ?? {};
  return { code, detail };
}

/** The steps of what is under way or failed; for an app that is active, when each of them was done. */
export function stepsView({ tenant, events }: TenantStatus): StepView[] {
  const since = sinceOf(events);
  if (tenant.progress) return stepViews(tenant.progress.steps, since);
  const done = PROVISION_STEPS.flatMap((name): StepResponse[] => {
    const event = events.findLast(({ step, kind }) => step === name && kind === 'step_done');
    return event ? [{ name, status: 'done', at: new Date(event.at).toISOString() }] : [];
  });
  return stepViews(done, since);
}

/** When the work that the steps are about began: at the sign-up, or at the retry after it. */
export function sinceOf(events: readonly TenantEvent[]): string | null {
  const start = events.findLast(({ kind }) => kind === 'signed_up' || kind === 'retried') ?? events[0];
  return start ? new Date(start.at).toISOString() : null;
}

function stepViews(steps: readonly StepResponse[], since: string | null): StepView[] {
  return steps.map(({ name, status, at }) => ({
    name,
    label: STEP_LABELS[name],
    status,
    statusText: STEP_STATUS_TEXTS[status],
    at,
    timeText: status === 'done' ? elapsed(since, at) : '',
  }));
}

function elapsed(since: string | null, at: string | null): string {
  if (since === null || at === null) return '';
  const seconds = (Date.parse(at) - Date.parse(since)) / 1000;
  return seconds >= 0 ? `${seconds.toFixed(seconds < 10 ? 2 : 0)} s` : '';
}

function troubleText(tenant: TenantResponse): string {
  const error = tenant.progress?.error;
  return error ? `The last try ran into this: ${error.detail} It is being tried again.` : '';
}
