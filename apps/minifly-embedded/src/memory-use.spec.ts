import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { memoryUseMb } from './memory-use';

describe('memoryUseMb', () => {
  it('counts what a program has started only where that is asked for', async () => {
    const program = "const held = Buffer.alloc(60e6, 1); console.log('ready'); setInterval(() => held, 1000)";
    const shell = spawn('/bin/sh', ['-c', '"$0" -e "$1" & wait', process.execPath, program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    try {
      await once(shell.stdout, 'data');
      const pid = shell.pid ?? NaN;
      expect(memoryUseMb(pid)).toBeLessThan(20);
      expect(memoryUseMb(pid, { withChildren: true })).toBeGreaterThan(57);
    } finally {
      process.kill(-(shell.pid ?? NaN), 'SIGKILL');
    }
  });

  it('says nothing of a process that has ended', () => {
    expect(memoryUseMb(2 ** 30, { withChildren: true })).toBeNull();
  });
});
