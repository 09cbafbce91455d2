import { event, tenantStatus } from '../../../../test/support/pages';
import { START } from '../../../../test/support/accounts';
import type { StepResponse } from '../tenants/tenant-response';
import { machineView, provisioningView, stepsView } from './tenant-view';

const at = (ms: number) => new Date(START + ms).toISOString();
const steps: StepResponse[] = [
  { name: 'app', status: 'done', at: at(340) },
  { name: 'volume', status: 'running', at: at(350) },
  { name: 'machine', status: 'waiting', at: null },
];
const progress = { kind: 'provision' as const, step: 'volume' as const, steps, error: null };
const error = { code: 'volume_missing', detail: 'The volume is gone.', at: at(500) };

describe('the steps of an app', () => {
  it('says how long after the sign-up each was done, and nothing of what is not', () => {
    const view = provisioningView(tenantStatus('provisioning', { progress }));
    expect(view.steps.map(({ status, timeText }) => [status, timeText])).toEqual([
      ['done', '0.34 s'],
      ['running', ''],
      ['waiting', ''],
    ]);
    expect(view).toMatchObject({ isRefreshing: true, canRetry: false, failure: null, trouble: '' });
  });

  it('counts what is done of all, and shows where the app will be', () => {
    const { progress: counted, map } = provisioningView(tenantStatus('provisioning', { progress }));
    expect(counted).toEqual({ done: 1, all: 3 });
    expect(map.label).toBe('World map: your app is in Frankfurt.');
  });

  it('says what a try ran into while the work goes on', () => {
    const view = provisioningView(tenantStatus('provisioning', { progress: { ...progress, error } }));
    expect(view.trouble).toContain('The volume is gone.');
    expect(view.failure).toBeNull();
  });

  it('says the reason of a failure and offers a retry, once it is given up', () => {
    const view = provisioningView(tenantStatus('failed', { progress: { ...progress, error } }));
    expect(view.failure).toEqual({ code: 'volume_missing', detail: 'The volume is gone.' });
    expect(view).toMatchObject({ canRetry: true, isRefreshing: false, trouble: '' });
  });

  it('counts from the last retry', () => {
    const status = tenantStatus('provisioning', { progress });
    status.events.push(event({ kind: 'retried', at: START + 300 }));
    expect(provisioningView(status).steps[0]?.timeText).toBe('0.04 s');
  });

  it('of an active app are those on its timeline', () => {
    const status = tenantStatus('active');
    status.events.push(
      event({ kind: 'step_started', step: 'app', at: START + 10 }),
      event({ kind: 'step_done', step: 'app', at: START + 120 }),
      event({ kind: 'stopped', at: START + 9000 }),
    );
    expect(stepsView(status).map(({ name, status, timeText }) => [name, status, timeText])).toEqual([
      ['app', 'done', '0.12 s'],
    ]);
  });
});

describe('machineView', () => {
  const region = tenantStatus().tenant.regions[0];

  it.each([
    ['started', 'Running in Frankfurt, Germany'],
    ['stopped', 'Asleep in Frankfurt, Germany'],
    ['unknown', 'Frankfurt, Germany'],
  ])('says of a machine that is %s: %s', (machineState, text) => {
    if (!region) throw new Error('no region');
    expect(machineView({ ...region, machineState }).text).toBe(text);
  });
});
