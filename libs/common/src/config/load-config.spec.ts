import { IsInt, IsOptional, IsString, Max, Min, MinLength } from 'class-validator';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FromEnv } from './from-env';
import { ConfigError, loadConfig, withEnvFile } from './load-config';

class ExampleConfig {
  @FromEnv('PORT', { parse: 'integer' }) @IsInt() @Min(0) @Max(65535) port = 8080;
  @FromEnv('SECRET', { secret: true }) @IsOptional() @IsString() @MinLength(16) secret?: string;
  @FromEnv('NAMES', { parse: 'list' }) names: string[] = ['a'];
  @FromEnv('QUIET', { parse: 'boolean' }) quiet = false;
}

const problemsOf = (env: Record<string, string>) => {
  try {
    loadConfig(ExampleConfig, env);
  } catch (error) {
    return (error as ConfigError).problems;
  }
  return [];
};

describe('loadConfig', () => {
  it('takes the defaults where nothing is set or the value is empty, and freezes the result', () => {
    const config = loadConfig(ExampleConfig, { PORT: '' });
    expect(config).toEqual({ port: 8080, names: ['a'], quiet: false, secret: undefined });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('reads numbers, lists, booleans and values from files', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'config-')), 'secret');
    writeFileSync(file, 'sixteen characters\n');
    const config = loadConfig(ExampleConfig, { PORT: '0', NAMES: 'iad, ord', QUIET: 'yes', SECRET_FILE: file });
    expect(config).toEqual({ port: 0, names: ['iad', 'ord'], quiet: true, secret: 'sixteen characters' });
  });

  it('lists all problems at once', () => {
    expect(problemsOf({ PORT: 'many', QUIET: 'perhaps' })).toEqual([
      'PORT should be a whole number; it is "many".',
      'QUIET should be 1 or 0 (also true or false, yes or no); it is "perhaps".',
    ]);
    expect(problemsOf({ PORT: '70000' })).toEqual(['PORT must not be greater than 65535; it is "70000".']);
  });

  it('never prints the value of a secret', () => {
    const [problem] = problemsOf({ SECRET: 'hunter2' });
    expect(problem).toContain('SECRET must be longer than or equal to 16 characters');
    expect(problem).not.toContain('hunter2');
  });

  it('refuses a variable that is set twice, or a file that cannot be read', () => {
    expect(problemsOf({ PORT: '1', PORT_FILE: '/nowhere' })[0]).toContain('both set');
    expect(problemsOf({ PORT_FILE: '/nowhere' })[0]).toContain('cannot be read');
  });

  it('puts a .env file under the environment', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'config-')), '.env');
    writeFileSync(file, 'PORT=1\nNAMES=x\n');
    expect(withEnvFile(file, { PORT: '2' })).toMatchObject({ PORT: '2', NAMES: 'x' });
    expect(withEnvFile('/nowhere/.env', { PORT: '2' })).toEqual({ PORT: '2' });
  });
});
