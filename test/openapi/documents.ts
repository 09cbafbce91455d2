import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { DynamicModule, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { Problem } from '@app/common/errors/problem';
import type { FieldError } from '@app/common/errors/domain-error';
import { ApiModule } from '../../apps/control-plane/src/api/api.module';
import { DEFAULT_TENANT_PATHS } from '../../apps/control-plane/src/config';
import { ERROR_STATUSES } from '../../apps/control-plane/src/error-codes';
import { TenantPaths } from '../../apps/control-plane/src/front-door/tenant-paths';
import { AppModule, type TenantParts } from '../../apps/tenant-todo/src/app.module';
import { CONTROL_PLANE_SCHEMAS } from './control-plane.api';
import { byStatus, listOf, objectOf, problemAnswer, text, type Schema } from './describe';
import { TENANT_SCHEMAS } from './tenant-todo.api';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']> & { 'x-body'?: object };
const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;
const API = '/api/v1';

const problem = objectOf<Problem>({
  type: text(),
  title: text(),
  status: { type: 'integer' },
  code: text({ description: 'What went wrong, for programs.' }),
  detail: text({ description: 'What went wrong, for people.' }),
  requestId: text(),
  errors: listOf(objectOf<FieldError>({ field: text(), message: text() })),
  input: {},
}) as Schema & { required: string[]; additionalProperties?: boolean };
problem.required = problem.required.filter((name) => name !== 'errors' && name !== 'input');
delete problem.additionalProperties; // each answer narrows `code` beside it

export async function tenantDocument(): Promise<OpenAPIObject> {
  const module: DynamicModule = AppModule.with({} as TenantParts); // only its list of controllers is used
  const info = new DocumentBuilder()
    .setTitle('tenant-todo')
    .setDescription("One person's to-do list, on a machine of its own.")
    .setVersion('1')
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'From `POST /api/v1/tenant/token`.' },
      'token',
    )
    .addSecurityRequirements('token');
  return documentOf(module.controllers ?? [], info, TENANT_SCHEMAS);
}

/** What the front door hands on to tenants stands in it too, under `/api/v1`. */
export async function controlPlaneDocument(): Promise<OpenAPIObject> {
  const controllers = Reflect.getMetadata('controllers', ApiModule) as Type[];
  const info = new DocumentBuilder()
    .setTitle('Control plane')
    .setDescription('Accounts, tenants, and the to-dos of the own tenant.')
    .setVersion('1')
    .addCookieAuth('session', { type: 'apiKey', in: 'cookie', name: 'session' }, 'session')
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', description: 'An API token with the scopes it needs.' },
      'apiToken',
    )
    .addSecurityRequirements('session')
    .addSecurityRequirements('apiToken');
  const own = await documentOf(controllers, info, CONTROL_PLANE_SCHEMAS);
  const tenant = await tenantDocument();
  const proxied = new TenantPaths(DEFAULT_TENANT_PATHS);
  for (const [path, item] of Object.entries(tenant.paths)) {
    if (!proxied.targetOf('GET', API + path)) continue;
    for (const method of METHODS) if (item[method]) addFrontDoor(item[method]);
    own.paths[API + path] = item;
  }
  own.components = { ...own.components, schemas: { ...tenant.components?.schemas, ...own.components?.schemas } };
  return sorted(own);
}

/** What happens on the way to the tenant. Its own refusals of a token cannot reach the client: the front door signs it. */
const ON_THE_WAY = Object.keys(ERROR_STATUSES).filter((code) =>
  /^(bad_.*|unauthenticated|invalid_token|insufficient_scope|cross_site|body_too_large|tenant_.*|platform_unavailable|shutting_down)$/.test(
    code,
  ),
);

function addFrontDoor(operation: Operation): void {
  const { responses } = operation;
  for (const status of ['401', '421']) delete responses[status];
  for (const [status, codes] of byStatus(ON_THE_WAY, ERROR_STATUSES)) {
    const known = responses[status] as { description?: string } | undefined;
    responses[status] = problemAnswer([...new Set([...(known?.description?.split(', ') ?? []), ...codes])]);
  }
}

async function documentOf(controllers: Type[], info: DocumentBuilder, schemas: Record<string, Schema>) {
  const module = await Test.createTestingModule({ controllers })
    .useMocker(() => ({}))
    .compile();
  const app = module.createNestApplication({ logger: false });
  try {
    const document = SwaggerModule.createDocument(app, info.build());
    for (const item of Object.values(document.paths))
      for (const method of METHODS) if (item[method]) complete(item[method]);
    document.components = {
      ...document.components,
      schemas: { ...document.components?.schemas, ...schemas, Problem: problem },
    };
    return sorted(document);
  } finally {
    await app.close();
  }
}

function complete(operation: Operation): void {
  for (const parameter of operation.parameters ?? [])
    if ('in' in parameter && parameter.in === 'header') parameter.required = false;
  const { 'x-body': content } = operation;
  delete operation['x-body'];
  if (content) operation.requestBody = { required: true, content } as never;
}

/** In one order, so that two documents differ only where they say something else. */
function sorted<T>(value: T): T {
  if (Array.isArray(value)) return value.map(sorted) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted<unknown>(one)]),
  ) as T;
}
