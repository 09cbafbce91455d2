/** The states of Fly that a machine here can be in. */
export type MachineState =
  | 'created'
  | 'starting'
  | 'started'
  | 'stopping'
  | 'stopped'
  | 'suspending'
  | 'suspended'
  | 'restarting'
  | 'replacing'
  | 'failed'
  | 'destroying'
  | 'destroyed';

/** What is asked of a machine, or what happens to it. */
export type Happening =
  | 'launch'
  | 'skip_launch'
  | 'start'
  | 'spawned'
  | 'spawn_failed'
  | 'stop'
  | 'suspend'
  | 'restart'
  | 'exited'
  | 'update'
  /** The process of a machine that is replaced or restarted has ended: the next one is about to start, or is not. */
  | 'replaced'
  | 'replaced_without_launch'
  | 'destroy'
  | 'force_destroy'
  | 'cleared'
  | 'platform_restarted';

export type Transition = { state: MachineState } | { refusal: string };

const SETTLED: ReadonlySet<MachineState> = new Set([
  'created',
  'started',
  'stopped',
  'suspended',
  'failed',
  'destroyed',
]);

export const isSettled = (state: MachineState) => SETTLED.has(state);

/**
 * The state that follows, or Fly's words for why not. What is asked twice stays where it is (a started machine started again):
 * callers repeat after a lost answer.
 */
export function nextState(state: MachineState, happening: Happening): Transition {
  switch (happening) {
    case 'launch':
      return state === 'created' ? to('starting') : refuse('launch', state);
    case 'skip_launch':
      return state === 'created' ? to('stopped') : refuse('launch', state);
    case 'start':
      if (state === 'stopped' || state === 'suspended' || state === 'failed') return to('starting');
      if (state === 'starting' || state === 'started') return to(state);
      return state === 'replacing'
        ? { refusal: 'machine getting replaced, refusing to start' }
        : refuse('start', state);
    case 'spawned':
      return state === 'starting' ? to('started') : refuse('start', state);
    case 'spawn_failed':
      return state === 'starting' ? to('failed') : refuse('start', state);
    case 'stop':
      if (state === 'starting' || state === 'started') return to('stopping');
      if (state === 'suspended') return to('stopped'); // what was kept of it is given up
      return isBusy(state) || state === 'destroyed' ? refuse('stop', state) : to(state);
    case 'suspend':
      if (state === 'started') return to('suspending');
      return state === 'suspending' || state === 'suspended' ? to(state) : refuse('suspend', state);
    case 'restart':
      return state === 'started' ? to('restarting') : refuse('restart', state);
    case 'exited':
      if (state === 'suspending') return to('suspended');
      return isBusy(state) || state === 'destroyed' ? to(state) : to('stopped');
    case 'update':
      if (state === 'started') return to('replacing');
      return isAtRest(state) ? to('stopped') : refuse('update', state);
    case 'replaced':
      return state === 'replacing' || state === 'restarting' ? to('starting') : refuse('start', state);
    case 'replaced_without_launch':
      return state === 'replacing' || state === 'restarting' ? to('stopped') : refuse('update', state);
    case 'destroy':
      if (state === 'created' || isAtRest(state)) return to('destroying');
      return { refusal: 'unable to destroy machine, not currently stopped, suspended or failed' };
    case 'force_destroy':
      return state === 'destroyed' ? refuse('destroy', state) : to('destroying');
    case 'cleared':
      return state === 'destroying' ? to('destroyed') : refuse('destroy', state);
    case 'platform_restarted':
      // Its processes ended with the platform before; one that was being destroyed goes on being destroyed.
      if (state === 'destroying' || state === 'destroyed') return to(state);
      return isAtRest(state) ? to(state) : to('stopped');
    default:
      return happening satisfies never;
  }
}

/** Without a process, and not on the way to one. */
const isAtRest = (state: MachineState) => state === 'stopped' || state === 'suspended' || state === 'failed';

/** On a way that ends by itself, whatever its process does. */
const isBusy = (state: MachineState) => state === 'replacing' || state === 'restarting' || state === 'destroying';

const to = (state: MachineState): Transition => ({ state });

const refuse = (verb: string, state: MachineState): Transition => ({
  refusal: `unable to ${verb} machine from current state: '${state}'`,
});
