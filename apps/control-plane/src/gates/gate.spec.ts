import { ControlPlaneError } from '../error-codes';
import type { Route } from './admission';
import { Gate, type GateState } from './gate';

const route = (name = 'route') => ({ tenantId: 't', origin: name }) as Route; // the gate only hands it on
const error = new ControlPlaneError('tenant_not_ready', 'Not ready.');

function newGate(limits: { holdRequests?: number; idleStopMs?: number } = {}) {
  const gate = new Gate('t', { holdRequests: 2, idleStopMs: 1000, ...limits });
  const heard: string[] = [];
  const wait = (name: string) => {
    const waiter = {
      admitted: (to: Route) => void heard.push(`${name} to ${to.origin}`),
      refused: (why: ControlPlaneError) => void heard.push(`${name} ${why.code}`),
    };
    gate.wait(waiter);
    return waiter;
  };
  return { gate, heard, wait };
}

function in_(state: GateState) {
  const made = newGate();
  if (state === 'waking') made.gate.beginWaking();
  if (state === 'awake' || state === 'stopping') made.gate.opened(route(), 0);
  if (state === 'stopping') made.gate.beginStop(5000);
  expect(made.gate.state).toBe(state);
  return made;
}

describe('entering', () => {
  it.each(['asleep', 'waking', 'stopping'] as const)(
    'holds a request while the tenant is %s, up to the bound',
    (state) => {
      const { gate, wait } = in_(state);
      for (const name of ['first', 'second']) {
        expect(gate.enter()).toBe('hold');
        wait(name);
      }
      expect(gate.enter()).toBe('full');
      expect(gate.openRequests).toBe(0);
    },
  );

  it('lets a request go on while the tenant is awake, and counts it', () => {
    const { gate } = in_('awake');
    expect(gate.enter()).toBe('proceed');
    expect(gate.openRequests).toBe(1);
  });

  it('frees the place of one that gave up, without ending the waking', () => {
    const { gate, heard, wait } = in_('waking');
    const left = wait('left');
    wait('stayed');
    expect(gate.enter()).toBe('full');
    gate.giveUp(left);
    expect(gate.enter()).toBe('hold');
    gate.opened(route(), 0);
    expect(heard).toEqual(['stayed to route']);
    expect(gate.openRequests).toBe(1);
  });
});

describe('waking', () => {
  it('is given to one caller, whatever the others do', () => {
    const { gate } = in_('asleep');
    expect([gate.beginWaking(), gate.beginWaking()]).toEqual([1, null]);
  });

  it('admits all that wait, counted before the machine could be stopped', () => {
    const { gate, heard, wait } = in_('waking');
    wait('first');
    wait('second');
    gate.opened(route(), 0);
    expect(heard).toEqual(['first to route', 'second to route']);
    expect(gate.openRequests).toBe(2);
    expect(gate.beginStop(10_000)).toBeNull();
  });

  it('tells all that wait why it came to nothing, and may be tried again', () => {
    const { gate, heard, wait } = in_('waking');
    wait('first');
    gate.refused(error);
    expect(heard).toEqual(['first tenant_not_ready']);
    expect(gate.beginWaking()).toBe(2);
  });

  it('is over for who began it once another route was sooner, or it ended and began anew', () => {
    const { gate } = in_('asleep');
    const first = gate.beginWaking() ?? 0;
    gate.opened(route('from provisioning'), 0);
    expect(gate.isStillWaking(first)).toBe(false);
    expect(gate.opened(route('late'), 0)).toBe(false);
    expect(gate.route?.origin).toBe('from provisioning');

    const other = newGate().gate;
    const overtaken = other.beginWaking() ?? 0;
    other.refused(error);
    other.beginWaking();
    expect(other.isStillWaking(overtaken)).toBe(false);
  });
});

describe('stopping', () => {
  it('waits until nothing is open and it has been quiet for long enough', () => {
    const { gate } = in_('awake');
    gate.enter();
    expect(gate.beginStop(10_000)).toBeNull();
    gate.leave(10_000);
    expect(gate.beginStop(10_999)).toBeNull();
    expect(gate.beginStop(11_000)).not.toBeNull();
    expect(gate.state).toBe('stopping');
  });

  it('is lost to a request that came before it, and makes one that comes after it wait', () => {
    const before = in_('awake').gate;
    expect(before.enter()).toBe('proceed');
    expect(before.beginStop(10_000)).toBeNull();

    const after = in_('awake').gate;
    expect(after.beginStop(10_000)).not.toBeNull();
    expect(after.enter()).toBe('hold');
    expect(after.opened(route(), 0)).toBe(false); // not while it is being stopped
    after.stopped();
    expect(after.beginWaking()).toBe(1);
  });

  it('waits for the end of a direct token, and never gives a time back', () => {
    const { gate } = in_('awake');
    gate.inDirectUseUntil(50_000);
    gate.inDirectUseUntil(20_000);
    expect(gate.beginStop(49_999)).toBeNull();
    expect(gate.beginStop(50_000)).not.toBeNull();
  });

  it('never happens with an idle time of 0, nor to a tenant that is not awake', () => {
    const { gate } = newGate({ idleStopMs: 0 });
    gate.opened(route(), 0);
    expect(gate.beginStop(1e12)).toBeNull();
    for (const state of ['asleep', 'waking', 'stopping'] as const) expect(in_(state).gate.beginStop(1e12)).toBeNull();
  });
});

describe('forgetting a route', () => {
  it('puts the gate to sleep, once, and only for the route that is there', () => {
    const { gate } = newGate();
    const [first, second] = [route('first'), route('second')];
    gate.opened(first, 0);
    expect(gate.forget(second)).toBeNull();
    expect(gate.forget(first)).toBe(first);
    expect(gate.forget(first)).toBeNull();
    expect(gate.state).toBe('asleep');
  });

  it('keeps counting what is open on it', () => {
    const { gate } = newGate();
    const only = route();
    gate.opened(only, 0);
    gate.enter();
    gate.forget(only);
    expect(gate.isForgettable).toBe(false);
    gate.leave(0);
    expect(gate.isForgettable).toBe(true);
  });
});
