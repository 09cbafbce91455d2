import { validateSync } from 'class-validator';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { envFieldsOf, parseEnvValue, type EnvField } from './from-env';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Every problem of the configuration at once; `problems` has a sentence for each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(
      `The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.map((p) => `  - ${p}`).join('\n')}`,
    );
  }
}

/**
 * Reads a configuration class from the environment: a variable, else the file that `<VARIABLE>_FILE` names, else the field's default.
 * An empty value counts as unset. Throws `ConfigError` with everything that is wrong. The result is frozen.
 */
export function loadConfig<T extends object>(configClass: new () => T, env: Environment): Readonly<T> {
  const config = new configClass();
  const problems: string[] = [];
  const written = new Map<string, string>();
  for (const field of envFieldsOf(configClass)) {
    const text = readVariable(field, env, problems);
    if (text === undefined) continue;
    written.set(field.property, text);
    const value = parseEnvValue(text, field.parse);
    if (value === undefined)
      problems.push(`${field.variable} should be ${EXPECTED[field.parse]}; it is ${shown(field, text)}.`);
    else Object.assign(config, { [field.property]: value });
  }
  if (problems.length === 0) problems.push(...limitProblems(config, configClass, written));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config);
}

/** Runs `load`; on a `ConfigError` prints every problem and ends the process with 1, before anything was started. */
export function exitOnBadConfig<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\nNothing was started. Every variable is explained in .env.example.\n`);
    process.exit(1);
  }
}

/** The environment with a `.env` file under it: what is set outside wins. A missing file is no error. */
export function withEnvFile(file: string, env: Environment): Environment {
  try {
    return { ...parseEnv(readFileSync(file, 'utf8')), ...env };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return env;
    throw new ConfigError([`${file} cannot be read: ${(error as Error).message}`]);
  }
}

const EXPECTED = {
  string: 'a text',
  integer: 'a whole number',
  boolean: '1 or 0 (also true or false, yes or no)',
  list: 'a list separated by commas',
} as const;

function readVariable(field: EnvField, env: Environment, problems: string[]): string | undefined {
  const direct = env[field.variable];
  const file = env[`${field.variable}_FILE`];
  if (direct && file) {
    problems.push(`${field.variable} and ${field.variable}_FILE are both set; keep one of them.`);
    return undefined;
  }
  if (direct) return direct;
  if (!file) return undefined;
  try {
    return readFileSync(file, 'utf8').trimEnd() || undefined;
  } catch (error) {
    problems.push(
      `${field.variable}_FILE names ${JSON.stringify(file)}, which cannot be read: ${(error as Error).message}`,
    );
    return undefined;
  }
}

function limitProblems(config: object, configClass: object, written: Map<string, string>): string[] {
  const fields = envFieldsOf(configClass);
  return validateSync(config, { forbidUnknownValues: false }).flatMap((error) => {
    const field = fields.find(({ property }) => property === error.property);
    const name = field?.variable ?? error.property;
    const came = field
      ? written.has(field.property)
        ? shown(field, written.get(field.property) ?? '')
        : 'not set'
      : 'not set';
    return Object.values(error.constraints ?? {}).map(
      (text) => `${text.replace(error.property, name)}; it is ${came}.`,
    );
  });
}

function shown(field: EnvField, text: string): string {
  return field.secret ? `a text of ${text.length} characters (not shown)` : JSON.stringify(text);
}
