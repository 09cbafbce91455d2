import { StandingClock } from '../../../../test/support/accounts';
import { Throttle, addressKey } from './throttle';

describe('Throttle', () => {
  it('refuses past the limit, says for how long, and allows again when the window has ended', () => {
    const clock = new StandingClock();
    const throttle = new Throttle(2, 60_000, clock);
    expect([throttle.take('a'), throttle.take('a'), throttle.take('b')]).toEqual([0, 0, 0]);
    clock.advance(20_500);
    expect([throttle.take('a'), throttle.take('b')]).toEqual([40, 0]);
    clock.advance(39_500);
    expect(throttle.take('a')).toBe(0);
  });

  it('counts what was given back as never taken', () => {
    const throttle = new Throttle(1, 60_000, new StandingClock());
    throttle.take('a');
    throttle.giveBack('a');
    throttle.giveBack('a');
    expect(throttle.take('a')).toBe(0);
    expect(throttle.take('a')).toBe(60);
    throttle.clear('a');
    expect(throttle.take('a')).toBe(0);
  });

  it('has no limit at 0', () => {
    const throttle = new Throttle(0, 60_000, new StandingClock());
    expect(Array.from({ length: 100 }, () => throttle.take('a')).every((wait) => wait === 0)).toBe(true);
  });
});

describe('addressKey', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
    ['2001:0db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('counts %s as %s', (address, key) => expect(addressKey(address)).toBe(key));
});
