import { toExitCode, toMachineState } from './containers';

describe('toMachineState', () => {
  it.each([
    ['created', 'created'],
    ['running', 'started'],
    ['restarting', 'starting'],
    ['removing', 'stopping'],
    ['paused', 'stopping'],
    ['exited', 'stopped'],
    ['dead', 'stopped'],
    ['a state of tomorrow', 'stopping'],
  ])('calls Docker’s %s %s', (docker, fly) => {
    expect(toMachineState(docker)).toBe(fly);
  });
});

describe('toExitCode', () => {
  it.each([
    ['Exited (0) 3 seconds ago', 0],
    ['Exited (137) 2 hours ago', 137],
    ['Up 5 minutes (healthy)', null],
    ['Created', null],
  ])('reads %s', (status, code) => {
    expect(toExitCode(status)).toBe(code);
  });
});
