/** The states of Fly that a machine here can be in. */
export type MachineState =
  'created' | 'starting' | 'started' | 'stopping' | 'stopped' | 'replacing' | 'failed' | 'destroying' | 'destroyed';

/** What is asked of a machine, or what happens to it. */
export type Happening =
  | 'launch'
  | 'skip_launch'
  | 'start'
  | 'spawned'
  | 'spawn_failed'
  | 'stop'
  | 'exited'
  | 'update'
  | 'replaced'
  | 'replaced_without_launch'
  | 'destroy'
  | 'force_destroy'
  | 'cleared'
  | 'platform_restarted';

export type Transition = { state: MachineState } | { refusal: string };

const SETTLED: ReadonlySet<MachineState> = new Set(['created', 'started', 'stopped', 'failed', 'destroyed']);

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
      if (state === 'stopped' || state === 'failed') return to('starting');
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
      if (state === 'replacing' || state === 'destroying' || state === 'destroyed') return refuse('stop', state);
      return to(state);
    case 'exited':
      return state === 'replacing' || state === 'destroying' || state === 'destroyed' ? to(state) : to('stopped');
    case 'update':
      if (state === 'started') return to('replacing');
      return state === 'stopped' || state === 'failed' ? to('stopped') : refuse('update', state);
    case 'replaced':
      return state === 'replacing' ? to('starting') : refuse('start', state);
    case 'replaced_without_launch':
      return state === 'replacing' ? to('stopped') : refuse('update', state);
    case 'destroy':
      if (state === 'created' || state === 'stopped' || state === 'failed') return to('destroying');
      return { refusal: 'unable to destroy machine, not currently stopped, suspended or failed' };
    case 'force_destroy':
      return state === 'destroyed' ? refuse('destroy', state) : to('destroying');
    case 'cleared':
      return state === 'destroying' ? to('destroyed') : refuse('destroy', state);
    case 'platform_restarted':
      // Its processes ended with the platform before; one that was being destroyed goes on being destroyed.
      return state === 'destroying' || state === 'destroyed' || state === 'failed' ? to(state) : to('stopped');
    default:
      return happening satisfies never;
  }
}

const to = (state: MachineState): Transition => ({ state });

const refuse = (verb: string, state: MachineState): Transition => ({
  refusal: `unable to ${verb} machine from current state: '${state}'`,
});
