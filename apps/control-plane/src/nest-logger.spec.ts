import { createLogger } from '@app/common/logging/logger';
import { NestLogger } from './nest-logger';

describe("Nest's errors in the log", () => {
  it('say what went wrong, whether Nest gives an error or a sentence', () => {
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const logger = new NestLogger(createLogger({ app: 'test', level: 'info' }, { write }));

    logger.error(new Error('There is no platform.'), undefined, 'ExceptionHandler');
    logger.error('A sentence.', 'the stack');

    const [fromError, fromText] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(fromError).toMatchObject({
      level: 'error',
      event: 'nest.error',
      error: { message: 'There is no platform.' },
    });
    expect(fromText).toMatchObject({ event: 'nest.error', message: 'A sentence.', details: ['the stack'] });
  });
});
