import type { EventKind, ProvisionStep, TenantEvent } from './event.entity';
import { toTenantResponse } from './tenant-response';
import type { UserApp } from './user-app.entity';

const tenant = {
  id: 't',
  appName: 'todo-user-1',
  databaseId: 'secret',
  directUntil: null,
  createdAt: 0,
  deletedAt: null,
};
const app = (overrides: Partial<UserApp> = {}): UserApp => ({
  id: 'a',
  userId: 't',
  appName: 'todo-user-1',
  region: 'fra',
  role: 'primary',
  epoch: 1,
  volumeKind: 'plain',
  machineId: null,
  volumeId: null,
  status: 'provisioning',
  statusSince: 0,
  attempts: 0,
  nextAttemptAt: 0,
  awakeSince: null,
  missingSince: null,
  missingLooks: 0,
  lastError: null,
  ...overrides,
});
const timeline = (...lines: [EventKind, ProvisionStep?][]): TenantEvent[] =>
  lines.map(([kind, step], i) => ({
    id: i,
    tenantId: 't',
    region: 'fra',
    at: i * 1000,
    kind,
    step: step ?? null,
    detail: null,
  }));
const unseen = { state: 'unknown', seenAt: null };
const statuses = (overrides: Partial<UserApp>, ...lines: [EventKind, ProvisionStep?][]) => {
  const { progress } = toTenantResponse({ tenant, app: app(overrides) }, timeline(...lines), unseen);
  return [progress?.step, ...(progress?.steps.map(({ name, status }) => `${name} ${status}`) ?? [])];
};

describe('toTenantResponse', () => {
  it('shows the primary first, then the replicas, each with its own machine', () => {
    const replica = app({ region: 'syd', role: 'replica', status: 'provisioning', machineId: 'm2' });
    const shown = toTenantResponse({ tenant, app: app({ status: 'active', machineId: 'm1' }) }, [], unseen, [
      { app: replica, machine: { state: 'starting', seenAt: 0 } },
    ]);
    expect(shown.regions.map((one) => [one.region, one.role, one.status, one.machineId, one.machineState])).toEqual([
      ['fra', 'primary', 'active', 'm1', 'unknown'],
      ['syd', 'replica', 'provisioning', 'm2', 'starting'],
    ]);
    expect([shown.status, shown.progress]).toEqual(['active', null]);
  });

  it('shows an active tenant without progress, and nothing that is not named', () => {
    const shown = toTenantResponse(
      { tenant, app: app({ status: 'active', machineId: 'm1' }) },
      timeline(['signed_up'], ['step_done', 'healthy'], ['active']),
      { state: 'started', seenAt: Date.parse('2026-01-05T10:00:00Z') },
    );
    const region = { region: 'fra', role: 'primary', status: 'active', machineId: 'm1' };
    expect(shown).toEqual({
      id: 't',
      appName: 'todo-user-1',
      status: 'active',
      regions: [{ ...region, machineState: 'started', seenAt: '2026-01-05T10:00:00.000Z' }],
      progress: null,
    });
  });

  it('reads the steps off the timeline', () => {
    expect(statuses({}, ['signed_up'])).toEqual([
      'app',
      ...['app', 'volume', 'machine', 'started', 'healthy'].map((name) => `${name} waiting`),
    ]);
    expect(
      statuses({}, ['signed_up'], ['step_started', 'app'], ['step_done', 'app'], ['step_started', 'volume']),
    ).toEqual(['volume', 'app done', 'volume running', 'machine waiting', 'started waiting', 'healthy waiting']);
  });

  it('shows a step that failed as running while it is tried again, with the reason, and as failed when given up', () => {
    const lines: [EventKind, ProvisionStep?][] = [
      ['step_done', 'app'],
      ['step_started', 'volume'],
      ['step_failed', 'volume'],
    ];
    expect(statuses({}, ...lines)).toContain('volume running');
    expect(statuses({ status: 'failed' }, ...lines)).toContain('volume failed');
    const lastError = { code: 'capacity', detail: 'The region is full.', at: 5000 };
    const { progress } = toTenantResponse(
      { tenant, app: app({ status: 'failed', lastError }) },
      timeline(...lines),
      unseen,
    );
    expect(progress?.error).toEqual({ ...lastError, at: '1970-01-01T00:00:05.000Z' });
  });

  it('shows as failed what was under way, or next, when the app was given up for another reason', () => {
    expect(statuses({ status: 'failed' }, ['step_done', 'app'], ['step_started', 'volume'], ['step_failed'])).toEqual([
      'volume',
      'app done',
      'volume failed',
      'machine waiting',
      'started waiting',
      'healthy waiting',
    ]);
  });

  it('begins again at the machine when that is gone', () => {
    const done = (['app', 'volume', 'machine', 'started', 'healthy'] as const).map(
      (step) => ['step_done', step] as const,
    );
    expect(
      statuses({}, ...done.map(([kind, step]): [EventKind, ProvisionStep] => [kind, step]), ['machine_missing']),
    ).toEqual(['machine', 'app done', 'volume done', 'machine waiting', 'started waiting', 'healthy waiting']);
  });

  it('shows a deletion as one step', () => {
    expect(statuses({ status: 'deleting' })).toEqual(['destroyed', 'destroyed running']);
  });
});
