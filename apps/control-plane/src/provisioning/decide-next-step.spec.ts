import type { Seen } from '@app/minifly-client/platform';
import type { Readiness } from '../machines/readiness';
import { decideNextStep, type NextStep, type RowFacts } from './decide-next-step';

const NOW = 1_000_000_000;
const LIMITS = { deadlineMs: 300_000, goneMs: 120_000 };
const OVERDUE = { statusSince: NOW - 300_000, attempts: 2 };

const row = (overrides: Partial<RowFacts> = {}): RowFacts => ({
  userId: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
  appName: 'todo-user-aaaaaaaa',
  status: 'provisioning',
  volumeId: 'v1',
  machineId: 'm1',
  statusSince: NOW,
  attempts: 0,
  missingSince: null,
  missingLooks: 0,
  ...overrides,
});

function seen({ machine = 'stopped', mounts = 'v1' }: { machine?: string | null; mounts?: string } = {}): Seen {
  const machines = [{ id: 'm1', name: 'n', region: 'fra', volumeId: mounts, env: {}, version: '1' }];
  return {
    app: 'ours',
    volumes: [{ id: 'v1', region: 'fra', attachedMachineId: null, everMounted: true }],
    machines: machine === null ? [] : machines.map((one) => ({ ...one, state: machine })),
  };
}
const ours: Seen = { app: 'ours', volumes: [], machines: [] };
const absent: Seen = { app: 'absent', volumes: [], machines: [] };
const foreign: Seen = { app: 'foreign', volumes: [], machines: [] };
const fresh = { volumeId: null, machineId: null };
const isLost = { missingSince: NOW - 120_000, missingLooks: 2 };

interface Case {
  row?: Partial<RowFacts>;
  databaseId?: string;
  seen: Seen;
  readiness?: Readiness;
  step: Partial<NextStep>;
}

function decide({ row: overrides, databaseId = '', seen: shown, readiness = undefined }: Omit<Case, 'step'>): NextStep {
  return decideNextStep(row(overrides), { databaseId: databaseId || null }, shown, readiness ?? null, NOW, LIMITS);
}

const cases: Record<string, Case> = {
  'nothing yet': { row: fresh, seen: absent, step: { do: 'create_app' } },
  'an app alone': { row: fresh, seen: ours, step: { do: 'create_volume', knownVolumeId: null } },
  'a volume': { row: { machineId: null }, seen: seen({ machine: null }), step: { do: 'create_machine' } },
  'a machine made by a try that was interrupted': {
    row: { machineId: null },
    seen: seen(),
    step: { do: 'create_machine' },
  },
  'a machine that was created': { seen: seen({ machine: 'created' }), step: { do: 'start', machineId: 'm1' } },
  'a stopped machine': { seen: seen(), step: { do: 'start', machineId: 'm1' } },
  'a failed machine': { seen: seen({ machine: 'failed' }), step: { do: 'start' } },
  'a suspended machine': { seen: seen({ machine: 'suspended' }), step: { do: 'start' } },
  'a started machine': { seen: seen({ machine: 'started' }), step: { do: 'probe', machineId: 'm1' } },
  'a machine on its way': { seen: seen({ machine: 'starting' }), step: { do: 'wait', why: 'in_between' } },
  'a machine on its way for too long': {
    row: OVERDUE,
    seen: seen({ machine: 'starting' }),
    step: { do: 'fail', code: 'machine_stuck' },
  },
  'a machine that is ready': {
    seen: seen({ machine: 'started' }),
    readiness: { outcome: 'ready', databaseId: 'd1', schemaVersion: 1 },
    step: { do: 'activate', machineId: 'm1', databaseId: 'd1' },
  },
  'a ready machine after the deadline': {
    row: OVERDUE,
    seen: seen({ machine: 'started' }),
    readiness: { outcome: 'ready', databaseId: 'd1', schemaVersion: 1 },
    step: { do: 'activate' },
  },
  'a machine with another mount': { seen: seen({ mounts: 'v2' }), step: { do: 'fail', code: 'wrong_volume' } },
  'a machine with another database': {
    databaseId: 'd1',
    seen: seen({ machine: 'started' }),
    readiness: { outcome: 'wrongDatabase', detail: '' },
    step: { do: 'fail', code: 'volume_missing' },
  },

  'a name of somebody else': { row: fresh, seen: foreign, step: { do: 'rename', appName: 'todo-user-aaaaaaaabbbb' } },
  'a second name of somebody else': {
    row: { ...fresh, appName: 'todo-user-aaaaaaaabbbb' },
    seen: foreign,
    step: { do: 'rename', appName: 'todo-user-aaaaaaaabbbb4ccc' },
  },
  'the last name of somebody else': {
    row: { ...fresh, appName: 'todo-user-aaaaaaaabbbb4ccc' },
    seen: foreign,
    step: { do: 'fail', code: 'name_taken' },
  },
  'a name of somebody else that carried a volume of ours': {
    row: { machineId: null },
    seen: foreign,
    step: { do: 'fail', code: 'name_taken' },
  },
  'a name of somebody else that carried a database of ours': {
    row: fresh,
    databaseId: 'd1',
    seen: foreign,
    step: { do: 'fail', code: 'name_taken' },
  },

  'a machine that is not shown': {
    seen: seen({ machine: null }),
    step: { do: 'wait', why: 'missing', until: NOW + 60_000 },
  },
  'a machine not shown for long, in too few looks': {
    row: { missingSince: NOW - 500_000, missingLooks: 1 },
    seen: seen({ machine: null }),
    step: { do: 'wait', why: 'missing' },
  },
  'a machine not shown in many looks, for too short': {
    row: { missingSince: NOW - 119_999, missingLooks: 9 },
    seen: seen({ machine: null }),
    step: { do: 'wait', why: 'missing' },
  },
  'a machine that is gone': { row: isLost, seen: seen({ machine: null }), step: { do: 'create_machine' } },
  'a machine that is gone, of a tenant with a database': {
    row: isLost,
    databaseId: 'd1',
    seen: seen({ machine: null }),
    step: { do: 'create_machine' },
  },
  'a machine not shown past the deadline': {
    row: OVERDUE,
    seen: seen({ machine: null }),
    step: { do: 'wait', why: 'missing' },
  },

  'a volume that is gone with its database': {
    databaseId: 'd1',
    seen: ours,
    step: { do: 'fail', code: 'volume_missing' },
  },
  'another volume in the place of the one with the database': {
    row: { volumeId: 'v0' },
    databaseId: 'd1',
    seen: seen(),
    step: { do: 'fail', code: 'volume_missing' },
  },
  'a database and no volume on record': {
    row: fresh,
    databaseId: 'd1',
    seen: ours,
    step: { do: 'fail', code: 'volume_missing' },
  },
  'a volume that is not shown and never was of use': {
    row: { machineId: null },
    seen: ours,
    step: { do: 'wait', why: 'missing' },
  },
  'a volume that is gone and never was of use': {
    row: { machineId: null, ...isLost },
    seen: ours,
    step: { do: 'create_volume', knownVolumeId: null },
  },

  'an app that is not shown': { seen: absent, step: { do: 'wait', why: 'missing' } },
  'an app that is gone with its database': {
    row: isLost,
    databaseId: 'd1',
    seen: absent,
    step: { do: 'fail', code: 'volume_missing' },
  },
  'an app that is gone and never was of use': { row: isLost, seen: absent, step: { do: 'create_app' } },

  'deleting what is ours': { row: { status: 'deleting' }, seen: seen({ machine: 'started' }), step: { do: 'destroy' } },
  'deleting what is gone': { row: { status: 'deleting' }, databaseId: 'd1', seen: absent, step: { do: 'forget' } },
  'deleting what is somebody else’s by now': {
    row: { status: 'deleting' },
    databaseId: 'd1',
    seen: foreign,
    step: { do: 'forget' },
  },
};

describe('decideNextStep', () => {
  it.each(Object.entries(cases))('%s', (_name, { step, ...given }) => {
    expect(decide(given)).toMatchObject(step);
  });

  it.each(['notYet', 'wrongTenant', 'wrongSchema'] as const)(
    'waits for a machine that is %s, and fails it past the deadline',
    (outcome) => {
      const given = { seen: seen({ machine: 'started' }), readiness: { outcome, detail: 'ECONNREFUSED' } };
      expect(decide(given)).toMatchObject({ do: 'wait', why: 'not_ready', until: NOW + 250 });
      expect(decide({ ...given, row: { ...OVERDUE, attempts: 1 } })).toMatchObject({ do: 'wait' }); // the time passed without tries
      expect(decide({ ...given, row: OVERDUE })).toMatchObject({ do: 'fail', code: 'not_ready' });
    },
  );

  it('never makes a volume for a tenant that has a database, whatever is on the row and is shown', () => {
    const rows = [fresh, { machineId: null }, {}, { volumeId: null }, isLost, { ...fresh, ...isLost }, OVERDUE];
    const shown = [
      absent,
      foreign,
      ours,
      seen({ machine: null }),
      seen(),
      seen({ machine: 'started' }),
      seen({ mounts: 'v2' }),
    ];
    for (const overrides of rows) {
      for (const one of shown) {
        const step = decide({ row: overrides, databaseId: 'd1', seen: one });
        expect(['create_volume', 'create_app', 'rename']).not.toContain(step.do);
      }
    }
  });
});
