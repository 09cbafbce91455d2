import { Ajv, type ValidateFunction } from 'ajv';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** A request to a Machines API, its path without `/v1`. */
export interface ApiRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  /** Parsed; undefined where there was none. */
  body: unknown;
}

interface Schema {
  [key: string]: unknown;
  type?: string;
  enum?: unknown[];
  properties?: Record<string, Schema>;
}

interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { required?: boolean; content: { 'application/json'?: { schema: Schema } } };
}

interface Description {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const FILE = resolve(__dirname, '../machines-contract/fly-machines-openapi.json');

/**
 * Fly's own description of its API, as a judge of requests. More severe than the file in one thing: what it does not name is a
 * mistake, because Fly drops unknown fields without a word.
 */
export class FlyOpenApi {
  private readonly description = closed(JSON.parse(readFileSync(FILE, 'utf8'))) as Description;
  private readonly ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  private readonly validators = new Map<string, ValidateFunction>();

  constructor() {
    this.ajv.addSchema({ $id: 'fly', components: this.description.components });
  }

  /** A line for each thing in the request that the file does not allow. */
  problemsOf(request: ApiRequest): string[] {
    const found = this.find(request);
    if (!found) return [`${request.method} ${request.path}: no such endpoint`];
    const { name, operation } = found;
    return [...queryProblems(operation, request.query), ...this.bodyProblems(name, operation, request.body)].map(
      (problem) => `${name}: ${problem}`,
    );
  }

  private find({ method, path }: ApiRequest): { name: string; operation: Operation } | null {
    for (const [template, operations] of Object.entries(this.description.paths)) {
      const operation = operations[method.toLowerCase()];
      const pattern = new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`);
      if (operation && pattern.test(path)) return { name: `${method} ${template}`, operation };
    }
    return null;
  }

  private bodyProblems(name: string, { requestBody }: Operation, body: unknown): string[] {
    const schema = requestBody?.content['application/json']?.schema;
    if (body === undefined) return requestBody?.required ? ['the body is missing'] : [];
    if (!schema) return ['a body where there should be none'];
    const validate = this.validators.get(name) ?? this.ajv.compile(inFile(schema) as Schema);
    this.validators.set(name, validate);
    if (validate(body)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) => {
      const extra = (params as { additionalProperty?: string }).additionalProperty;
      return `body${instancePath} ${extra === undefined ? message : `has ${extra}, which is not in the file`}`;
    });
  }
}

function queryProblems({ parameters = [] }: Operation, query: URLSearchParams): string[] {
  const declared = new Map(parameters.filter((one) => one.in === 'query').map((one) => [one.name, one.schema]));
  const unknown = [...new Set(query.keys())].filter((name) => !declared.has(name));
  const wrong = [...declared].flatMap(([name, schema]) =>
    query
      .getAll(name)
      .filter((text) => !isOfSchema(text, schema))
      .map((text) => `?${name}=${text} is not of its schema`),
  );
  return [...unknown.map((name) => `?${name} is not in the file`), ...wrong];
}

function isOfSchema(text: string, { type, enum: values }: Schema): boolean {
  if (values && !values.includes(text)) return false;
  if (type === 'integer') return /^-?\d+$/.test(text);
  if (type === 'boolean') return text === 'true' || text === 'false';
  return true;
}

/** Objects that name their properties take no others. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, closed(one)])) as Schema;
  const isOpenObject = copy.type === 'object' && copy.properties && copy['additionalProperties'] === undefined;
  return isOpenObject ? { ...copy, additionalProperties: false } : copy;
}

/** References point into the file, wherever the schema is compiled. */
function inFile(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"fly#/'));
}
