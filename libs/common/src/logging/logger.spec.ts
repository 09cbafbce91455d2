import { createLogger } from './logger';

describe('the logger', () => {
  it('writes an event with its fields and cuts secrets out at each level', () => {
    const lines: string[] = [];
    const log = createLogger({ app: 'test', level: 'info' }, { write: (line: string) => void lines.push(line) });
    log.info(
      { tenant: 't1', password: 'hunter2', headers: { cookie: 'hunter2' }, a: { b: { token: 'hunter2' } } },
      'x.happened',
    );
    log.debug({}, 'not.written');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', app: 'test', event: 'x.happened', tenant: 't1' });
    expect(lines[0]).not.toContain('hunter2');
  });

  it('writes an error with its stack', () => {
    const lines: string[] = [];
    const log = createLogger({ app: 'test', level: 'info' }, { write: (line: string) => void lines.push(line) });
    log.error({ error: new Error('broken') }, 'x.failed');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'error',
      error: { message: 'broken', stack: expect.stringContaining('logger.spec') as string },
    });
  });
});
