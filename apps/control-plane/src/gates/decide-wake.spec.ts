import type { Seen } from '@app/minifly-client/platform';
import { decideWake } from './decide-wake';

const row = { appName: 'todo-user-1', machineId: 'm1', volumeId: 'v1' };

function seen(state: string, overrides: Partial<Seen> = {}): Seen {
  return {
    app: 'ours',
    volumes: [{ id: 'v1', region: 'fra', attachedMachineId: 'm1', everMounted: true }],
    machines: [
      { id: 'm1', name: 'n', state, region: 'fra', volumeId: 'v1', env: { TENANT_TOKEN_KEYS: 'old' }, version: '1' },
    ],
    ...overrides,
  };
}
const upToDate = () => false;

describe('decideWake', () => {
  it.each(['stopped', 'created', 'suspended', 'failed', 'stopping', 'starting'])(
    'starts a machine that is %s',
    (state) => {
      expect(decideWake(row, seen(state), upToDate, 'start')).toEqual({
        do: 'start',
        isRunning: false,
        needsUpdate: false,
      });
    },
  );

  it('only asks one that runs', () => {
    expect(decideWake(row, seen('started'), upToDate, 'start')).toMatchObject({ do: 'start', isRunning: true });
    expect(decideWake(row, seen('started'), upToDate, 'adopt')).toMatchObject({ do: 'start', isRunning: true });
  });

  it('updates one whose keys are not the current ones before it is started, never one that is only looked at', () => {
    const hasOldKeys = (env: Record<string, string>) => env['TENANT_TOKEN_KEYS'] === 'old';
    expect(decideWake(row, seen('stopped'), hasOldKeys, 'start')).toMatchObject({ needsUpdate: true });
    expect(decideWake(row, seen('started'), hasOldKeys, 'adopt')).toMatchObject({ needsUpdate: false });
  });

  it.each(['stopped', 'created', 'suspended', 'failed'])(
    'leaves one asleep that was only looked at and is %s',
    (state) => {
      expect(decideWake(row, seen(state), upToDate, 'adopt')).toEqual({ do: 'leave_asleep', state });
    },
  );

  it.each(['starting', 'stopping', 'replacing', 'a state of the future'])('draws nothing from %s', (state) => {
    expect(decideWake(row, seen(state), upToDate, 'adopt')).toEqual({ do: 'leave_alone', state });
  });

  it.each([
    ['app_missing', seen('stopped', { app: 'absent' })],
    ['app_missing', seen('stopped', { app: 'foreign' })],
    ['machine_missing', seen('stopped', { machines: [] })],
    ['volume_missing', seen('stopped', { volumes: [] })],
  ])('hands over what is not there: %s', (code, shown) => {
    expect(decideWake(row, shown, upToDate, 'start')).toMatchObject({ do: 'hand_over', code });
  });
});
