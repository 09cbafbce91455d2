import { PROVISION_STEPS, type ProvisionStep, type TenantEvent } from './event.entity';
import type { TenantWithApp } from './tenants.service';
import type { AppRole, AppStatus, UserApp } from './user-app.entity';

export interface TenantResponse {
  id: string;
  appName: string;
  status: AppStatus;
  regions: RegionResponse[];
  /** Null where nothing is under way and nothing failed. */
  progress: ProgressResponse | null;
}

export interface RegionResponse {
  region: string;
  role: AppRole;
  status: AppStatus;
  machineId: string | null;
  /** In Fly's words, as this process saw it last, or `unknown`. */
  machineState: string;
  /** ISO 8601. */
  seenAt: string | null;
}

export interface ProgressResponse {
  kind: 'provision' | 'delete';
  /** The one that is under way, or that failed. */
  step: StepName;
  steps: StepResponse[];
  error: { code: string; detail: string; at: string } | null;
}

export type StepName = ProvisionStep | 'destroyed';
export type StepStatus = 'waiting' | 'running' | 'done' | 'failed';

export interface StepResponse {
  name: StepName;
  status: StepStatus;
  /** When its status became this one, ISO 8601. */
  at: string | null;
}

interface SeenState {
  state: string;
  seenAt: number | null;
}

/** What the outside sees of a tenant, from its rows, its timeline (oldest first) and what its gate saw last; the primary first. */
export function toTenantResponse(
  { tenant, app }: TenantWithApp,
  events: readonly TenantEvent[],
  machine: SeenState,
  replicas: readonly { app: UserApp; machine: SeenState }[] = [],
): TenantResponse {
  return {
    id: tenant.id,
    appName: tenant.appName,
    status: app.status,
    regions: [{ app, machine }, ...replicas].map((one) => toRegionResponse(one.app, one.machine)),
    progress: progressOf(app, events),
  };
}

function toRegionResponse(app: UserApp, machine: SeenState): RegionResponse {
  return {
    region: app.region,
    role: app.role,
    status: app.status,
    machineId: app.machineId,
    machineState: machine.state,
    seenAt: isoOrNull(machine.seenAt),
  };
}

function progressOf(app: UserApp, events: readonly TenantEvent[]): ProgressResponse | null {
  const error = app.lastError && { ...app.lastError, at: new Date(app.lastError.at).toISOString() };
  switch (app.status) {
    case 'active':
      return null;
    case 'deleting': {
      const steps: StepResponse[] = [{ name: 'destroyed', status: 'running', at: isoOrNull(app.statusSince) }];
      return { kind: 'delete', step: 'destroyed', steps, error };
    }
    case 'provisioning':
    case 'failed': {
      const steps = stepsOf(app.status, events);
      const current = steps.find(({ status }) => status !== 'done') ?? steps.at(-1);
      return { kind: 'provision', step: current?.name ?? 'healthy', steps, error };
    }
    default:
      return app.status satisfies never;
  }
}

function stepsOf(status: 'provisioning' | 'failed', events: readonly TenantEvent[]): StepResponse[] {
  const steps = PROVISION_STEPS.map((name): StepResponse => ({ name, status: 'waiting', at: null }));
  for (const event of events) {
    if (event.kind === 'machine_missing') forgetFrom(steps, 'machine');
    const step = steps.find(({ name }) => name === event.step);
    if (!step) continue;
    step.status = statusAfter(event) ?? step.status;
    step.at = isoOrNull(event.at);
  }
  const current = steps.find((step) => step.status !== 'done');
  // A step that failed is tried again as long as the app has not been given up.
  if (current && status === 'failed') current.status = 'failed';
  else if (current?.status === 'failed') current.status = 'running';
  return steps;
}

function statusAfter(event: TenantEvent): StepStatus | null {
  switch (event.kind) {
    case 'step_started':
      return 'running';
    case 'step_done':
      return 'done';
    case 'step_failed':
      return 'failed';
    default:
      return null;
  }
}

/** A machine that is gone is made anew, and what comes after it is to be done again. */
function forgetFrom(steps: StepResponse[], name: ProvisionStep): void {
  for (const step of steps.slice(PROVISION_STEPS.indexOf(name))) {
    step.status = 'waiting';
    step.at = null;
  }
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
