export type EnvParse = 'string' | 'integer' | 'boolean' | 'list';

export interface EnvField {
  property: string;
  variable: string;
  parse: EnvParse;
  secret: boolean;
}

const fieldsByClass = new WeakMap<object, EnvField[]>();

/**
 * Names the environment variable of a configuration field. Its default is the field's initial value; its limits are class-validator's
 * decorators. A `secret` is never printed. `list` splits at commas.
 */
export function FromEnv(variable: string, options: { parse?: EnvParse; secret?: boolean } = {}): PropertyDecorator {
  return (target, property) => {
    const fields = fieldsByClass.get(target.constructor) ?? [];
    fields.push({
      property: String(property),
      variable,
      parse: options.parse ?? 'string',
      secret: options.secret ?? false,
    });
    fieldsByClass.set(target.constructor, fields);
  };
}

export function envFieldsOf(configClass: object): readonly EnvField[] {
  return fieldsByClass.get(configClass) ?? [];
}

/** What a written value means; `undefined` where it means nothing of that kind. */
export function parseEnvValue(text: string, parse: EnvParse): unknown {
  switch (parse) {
    case 'string':
      return text;
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
    case 'boolean':
      return parseBoolean(text);
    case 'list':
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    default:
      return parse satisfies never;
  }
}

function parseBoolean(text: string): boolean | undefined {
  if (['1', 'true', 'yes', 'on'].includes(text.toLowerCase())) return true;
  if (['0', 'false', 'no', 'off'].includes(text.toLowerCase())) return false;
  return undefined;
}
