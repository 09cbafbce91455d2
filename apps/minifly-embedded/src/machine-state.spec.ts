import { nextState, type Happening, type MachineState } from './machine-state';

const walk = (from: MachineState, ...happenings: Happening[]) =>
  happenings.reduce<MachineState>((state, happening) => {
    const next = nextState(state, happening);
    if ('refusal' in next) throw new Error(next.refusal);
    return next.state;
  }, from);

describe('nextState', () => {
  it('leads from creation to the end', () => {
    expect(walk('created', 'skip_launch')).toBe('stopped');
    expect(walk('created', 'launch', 'spawned')).toBe('started');
    expect(walk('stopped', 'start', 'spawned', 'stop', 'exited')).toBe('stopped');
    expect(walk('started', 'update', 'exited', 'replaced', 'spawned')).toBe('started');
    expect(walk('started', 'update', 'exited', 'replaced_without_launch')).toBe('stopped');
    expect(walk('stopped', 'destroy', 'cleared')).toBe('destroyed');
    expect(walk('started', 'force_destroy', 'exited', 'cleared')).toBe('destroyed');
    expect(walk('stopped', 'start', 'spawn_failed', 'start', 'spawned')).toBe('started');
  });

  it('goes down and comes up again for a restart, and rests suspended', () => {
    expect(walk('started', 'restart', 'exited')).toBe('restarting');
    expect(walk('restarting', 'replaced', 'spawned')).toBe('started');
    expect(walk('started', 'suspend', 'exited')).toBe('suspended');
    expect(walk('suspended', 'start', 'spawned')).toBe('started');
    expect(walk('suspended', 'suspend')).toBe('suspended');
    expect(walk('suspended', 'stop')).toBe('stopped');
    expect(walk('suspended', 'update')).toBe('stopped');
    expect(walk('suspended', 'destroy', 'cleared')).toBe('destroyed');
  });

  it('takes a repeated request as done', () => {
    expect(walk('started', 'start')).toBe('started');
    expect(walk('stopped', 'stop')).toBe('stopped');
    expect(walk('stopping', 'stop')).toBe('stopping');
    expect(walk('destroying', 'force_destroy')).toBe('destroying');
  });

  it.each<[MachineState, Happening, string]>([
    ['created', 'start', "unable to start machine from current state: 'created'"],
    ['stopping', 'start', "unable to start machine from current state: 'stopping'"],
    ['replacing', 'start', 'machine getting replaced, refusing to start'],
    ['destroying', 'start', "unable to start machine from current state: 'destroying'"],
    ['started', 'destroy', 'unable to destroy machine, not currently stopped, suspended or failed'],
    ['stopping', 'update', "unable to update machine from current state: 'stopping'"],
    ['replacing', 'stop', "unable to stop machine from current state: 'replacing'"],
    ['restarting', 'stop', "unable to stop machine from current state: 'restarting'"],
    ['restarting', 'start', "unable to start machine from current state: 'restarting'"],
    ['stopped', 'restart', "unable to restart machine from current state: 'stopped'"],
    ['stopped', 'suspend', "unable to suspend machine from current state: 'stopped'"],
  ])('refuses from %s: %s', (state, happening, refusal) => {
    expect(nextState(state, happening)).toEqual({ refusal });
  });

  it('finds every machine of a platform that ended stopped, but one that was being destroyed', () => {
    const before: MachineState[] = ['created', 'starting', 'started', 'stopping', 'stopped', 'replacing'];
    expect(before.map((state) => walk(state, 'platform_restarted'))).toEqual(before.map(() => 'stopped'));
    expect(walk('suspending', 'platform_restarted')).toBe('stopped');
    expect(walk('suspended', 'platform_restarted')).toBe('suspended');
    expect(walk('destroying', 'platform_restarted')).toBe('destroying');
  });
});
