import { ApiOperation, ApiProperty, ApiResponse } from '@nestjs/swagger';
import type { ApiPropertyOptions, OpenAPIObject } from '@nestjs/swagger';

export type Schema = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];
type Constructor<T> = abstract new (...args: never[]) => T;
type Statuses = Readonly<Record<string, number>>;
type Header = 'ETag' | 'Location' | 'Retry-After' | 'Set-Cookie';

/** What an endpoint does that its decorators in the app do not say. */
export interface Operation<Code extends string> {
  summary: string;
  description?: string;
  /** By status; null where the answer has no body. A media type other than JSON stands beside its schema. */
  answers: Record<number, Answer>;
  /** The app's codes; their table gives each its status. */
  errors: readonly Code[];
  /** A body that the method does not take as a class, by media type. */
  body?: Record<string, Schema>;
  /** Needs no token and no session. */
  isOpen?: true;
}
interface Answer {
  description: string;
  content?: Record<string, Schema>;
  headers?: readonly Header[];
}

export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
export const text = (more: object = {}): Schema => ({ type: 'string', ...more });
export const time = text({ format: 'date-time' });
export const binary = text({ format: 'binary' });
export const count: Schema = { type: 'integer', minimum: 0 };
export const listOf = (items: Schema): Schema => ({ type: 'array', items });
export const orNull = (schema: Schema): Schema =>
  '$ref' in schema ? { allOf: [schema], nullable: true } : { ...schema, nullable: true };
export const json = (schema: Schema) => ({ 'application/json': schema });

/** Has to name each field of the type that the app answers with: one more or less does not compile. */
export function objectOf<T>(properties: { [K in keyof Required<T>]: Schema }): Schema {
  return { type: 'object', required: Object.keys(properties), properties, additionalProperties: false };
}

/** Has to name each field of the class, which is what the app validates with. */
export function describeFields<T>(dto: Constructor<T>, fields: { [K in keyof Required<T>]: ApiPropertyOptions }): void {
  for (const [name, options] of Object.entries<ApiPropertyOptions>(fields))
    ApiProperty(options)(dto.prototype as object, name);
}

/** Has to name each public method of the controller, so that no endpoint stays undescribed. */
export function describer<Code extends string>(
  statuses: Readonly<Record<Code, number>>,
  common: readonly NoInfer<Code>[],
) {
  return <T>(controller: Constructor<T>, operations: { [K in keyof T]: Operation<Code> }): void => {
    for (const [name, operation] of Object.entries<Operation<Code>>(operations)) {
      const prototype = controller.prototype as object;
      const method = Object.getOwnPropertyDescriptor(prototype, name);
      if (!method) throw new Error(`${controller.name} has no method ${name}.`);
      const { summary, description, body, isOpen } = operation;
      const decorators = [
        ApiOperation({
          summary,
          ...(description && { description }),
          ...(isOpen && { security: [] }),
          ...(body && { 'x-body': mediaOf(body) }),
        }),
        ...answersOf(operation),
        ...problemsOf(isOpen ? operation.errors : [...operation.errors, ...common], statuses),
      ];
      for (const decorate of decorators) decorate(prototype, name, method);
    }
  };
}

function answersOf({ answers }: Operation<string>): MethodDecorator[] {
  return Object.entries(answers).map(([status, { description, content, headers = [] }]) =>
    ApiResponse({
      status: Number(status),
      description,
      headers: Object.fromEntries(headers.map((name) => [name, { schema: { type: 'string' } }])),
      ...(content && { content: mediaOf(content) }),
    }),
  );
}

/** One answer a status, with the codes that come with it. */
function problemsOf(codes: readonly string[], statuses: Statuses): MethodDecorator[] {
  return [...byStatus(codes, statuses)].map(([status, names]) => ApiResponse({ status, ...problemAnswer(names) }));
}

export function problemAnswer(codes: string[]) {
  const narrowed: Schema = { type: 'object', properties: { code: { type: 'string', enum: codes } } };
  const content = { 'application/problem+json': { schema: { allOf: [ref('Problem'), narrowed] } } };
  return { description: codes.join(', '), content };
}

export function byStatus(codes: Iterable<string>, statuses: Statuses): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const code of new Set(codes)) {
    const status = statuses[code];
    if (status === undefined) throw new Error(`${code} has no status.`);
    found.set(status, [...(found.get(status) ?? []), code]);
  }
  return found;
}

function mediaOf(content: Record<string, Schema>) {
  return Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }]));
}
