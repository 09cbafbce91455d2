import type { INestApplication } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { PassportModule } from '@nestjs/passport';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import type { NextFunction, Request, Response } from 'express';
import request from 'supertest';
import { AccountsService } from '../../apps/control-plane/src/accounts/accounts.service';
import { ApiTokensService } from '../../apps/control-plane/src/accounts/api-tokens.service';
import { DeletionProofs } from '../../apps/control-plane/src/accounts/deletion-proofs';
import type { ApiToken } from '../../apps/control-plane/src/accounts/api-token.entity';
import { LocalStrategy } from '../../apps/control-plane/src/accounts/local.strategy';
import type { Session } from '../../apps/control-plane/src/accounts/session.entity';
import { SessionsService } from '../../apps/control-plane/src/accounts/sessions.service';
import { CLOCK } from '../../apps/control-plane/src/clock.token';
import { CONFIG } from '../../apps/control-plane/src/config.token';
import { ProblemFilter } from '../../apps/control-plane/src/front-door/problem.filter';
import { setContext } from '../../apps/control-plane/src/front-door/request-context';
import { LOGGER } from '../../apps/control-plane/src/logger.token';
import { AccountActions } from '../../apps/control-plane/src/pages/account-actions';
import { AccountController } from '../../apps/control-plane/src/pages/account.controller';
import { Assets } from '../../apps/control-plane/src/pages/assets';
import { DashboardController } from '../../apps/control-plane/src/pages/dashboard.controller';
import { DashboardService } from '../../apps/control-plane/src/pages/dashboard.service';
import { Flash } from '../../apps/control-plane/src/pages/flash';
import { HomeController } from '../../apps/control-plane/src/pages/home.controller';
import { PageRenderer } from '../../apps/control-plane/src/pages/page-renderer';
import { RegionsController } from '../../apps/control-plane/src/pages/regions.controller';
import { SessionController } from '../../apps/control-plane/src/pages/session.controller';
import { SignUpController } from '../../apps/control-plane/src/pages/sign-up.controller';
import type { TodoJson, TodoListJson } from '../../apps/control-plane/src/pages/tenant-answers';
import { TenantStatusService, type TenantStatus } from '../../apps/control-plane/src/gates/tenant-status.service';
import { TodosController } from '../../apps/control-plane/src/pages/todos.controller';
import { useViews } from '../../apps/control-plane/src/pages/view-engine';
import { TenantJson, type TenantAnswer, type TenantCallInput } from '../../apps/control-plane/src/proxy/tenant-json';
import type { TenantEvent } from '../../apps/control-plane/src/tenants/event.entity';
import { TenantsService, type Deletion } from '../../apps/control-plane/src/tenants/tenants.service';
import type { AppStatus } from '../../apps/control-plane/src/tenants/user-app.entity';
import { silentLog, StandingClock, START, testConfig } from './accounts';

/** The pages' controllers and views over HTTP, with stand-ins for who knows accounts and tenants. */
export class TestPages {
  /** What the tenant answers, and what it was asked. */
  answer: (call: TenantCallInput) => Promise<TenantAnswer> | TenantAnswer = () => answerOf(200, emptyList());
  readonly calls: TenantCallInput[] = [];
  status: TenantStatus | null = tenantStatus();
  isSignedIn = true;
  readonly accounts = {
    signUp: jest.fn(),
    checkLogin: jest.fn(),
    logIn: jest.fn(),
    changePassword: jest.fn(),
    deleteAccount: jest.fn(),
  };
  readonly sessions = {
    end: jest.fn(() => Promise.resolve()),
    list: jest.fn(() => Promise.resolve([session({ idHash: 'hash' })])),
    revoke: jest.fn(),
    endingOthers: jest.fn(),
  };
  readonly tokens = { list: jest.fn(() => Promise.resolve([apiToken()])), create: jest.fn(), revoke: jest.fn() };
  readonly tenants = {
    retry: jest.fn(() => Promise.resolve()),
    findDeletion: jest.fn<Promise<Deletion | null>, [string]>(() => Promise.resolve(null)),
  };
  readonly proofs = new DeletionProofs(['a secret of the tests']);
  readonly clock = new StandingClock();

  private constructor(private app?: INestApplication) {}

  static async open(): Promise<TestPages> {
    const pages = new TestPages();
    const tenantJson: Pick<TenantJson, 'request'> = {
      request: async (_tenantId, call) => {
        pages.calls.push(call);
        call.stream?.body.resume();
        return pages.answer(call);
      },
    };
    const module = await Test.createTestingModule({
      imports: [PassportModule],
      controllers: [
        HomeController,
        SignUpController,
        SessionController,
        DashboardController,
        TodosController,
        RegionsController,
        AccountController,
      ],
      providers: [
        PageRenderer,
        DashboardService,
        AccountActions,
        Flash,
        LocalStrategy,
        { provide: TenantStatusService, useValue: { find: () => Promise.resolve(pages.status) } },
        { provide: TenantJson, useValue: tenantJson },
        { provide: AccountsService, useValue: pages.accounts },
        { provide: SessionsService, useValue: pages.sessions },
        { provide: ApiTokensService, useValue: pages.tokens },
        { provide: DeletionProofs, useValue: pages.proofs },
        { provide: TenantsService, useValue: pages.tenants },
        { provide: CONFIG, useValue: testConfig({ regions: ['fra', 'syd'] }) },
        { provide: CLOCK, useValue: pages.clock },
        { provide: LOGGER, useValue: silentLog },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    }).compile();
    const adapter = new ExpressAdapter();
    const app = module.createNestApplication(adapter, { logger: false });
    app.use((incoming: Request, _: Response, next: NextFunction) => {
      setContext(incoming, {
        requestId: 'request-1',
        clientAddress: '192.0.2.1',
        isSecure: false,
        session: pages.session,
      });
      next();
    });
    const assets = new Assets();
    useViews(adapter, assets);
    assets.serve(adapter);
    pages.app = await app.init();
    return pages;
  }

  get(path: string): request.Test {
    return request(this.app?.getHttpServer() as Parameters<typeof request>[0])
      .get(path)
      .set('Accept', 'text/html');
  }

  post(path: string, fields: Record<string, string | string[]> = {}): request.Test {
    const pairs = Object.entries(fields).flatMap(([name, value]) =>
      [value].flat().map((one): [string, string] => [name, one]),
    );
    return request(this.app?.getHttpServer() as Parameters<typeof request>[0])
      .post(path)
      .set('Accept', 'text/html')
      .type('form')
      .send(new URLSearchParams(pairs).toString());
  }

  postMultipart(path: string, fields: Record<string, string>, image?: Buffer): request.Test {
    const test = request(this.app?.getHttpServer() as Parameters<typeof request>[0])
      .post(path)
      .set('Accept', 'text/html');
    for (const [name, value] of Object.entries(fields)) void test.field(name, value);
    return image ? test.attach('image', image, 'picture.png') : test;
  }

  async close(): Promise<void> {
    await this.app?.close();
  }

  private get session() {
    return this.isSignedIn ? { sessionHash: 'hash', userId: 'user-1', email: 'ada@example.org' } : null;
  }
}

export function session(overrides: Partial<Session> = {}): Session {
  return {
    idHash: 'another hash',
    userId: 'user-1',
    createdAt: START,
    lastSeenAt: START,
    expiresAt: START + 1,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    address: '192.0.2.1',
    ...overrides,
  };
}

export function apiToken(overrides: Partial<ApiToken> = {}): ApiToken {
  return {
    id: 'token-1',
    tokenHash: 'token hash',
    userId: 'user-1',
    name: 'the backup',
    scope: 'todos:read account',
    createdAt: START,
    lastUsedAt: null,
    expiresAt: START + 1,
    ...overrides,
  };
}

export function answerOf(status: number, body: unknown = null, headers: Record<string, string> = {}): TenantAnswer {
  return { status, body, headers };
}

export function problemAnswer(status: number, code: string, more: object = {}): TenantAnswer {
  return answerOf(status, { type: 'about:blank', title: 'x', status, code, detail: `Sentence of ${code}.`, ...more });
}

export function todo(overrides: Partial<TodoJson> = {}): TodoJson {
  return {
    id: 'todo-1',
    title: 'Buy milk',
    description: '',
    completed: false,
    createdAt: '2026-01-05T10:00:00.000Z',
    updatedAt: '2026-01-05T10:00:00.000Z',
    image: null,
    ...overrides,
  };
}

export function listOf(...items: TodoJson[]): TodoListJson {
  return { items, nextCursor: null, counts: { all: items.length, open: items.length, done: 0 } };
}

export function emptyList(): TodoListJson {
  return listOf();
}

/** A tenant as it is on record, `active` with all steps done where nothing else is said. */
export function tenantStatus(
  status: AppStatus = 'active',
  overrides: Partial<TenantStatus['tenant']> = {},
): TenantStatus {
  return {
    tenant: {
      id: 'user-1',
      appName: 'todo-user-12345678',
      status,
      regions: [
        {
          region: 'fra',
          role: 'primary',
          status,
          machineId: 'm1',
          machineState: 'started',
          seenAt: new Date(START).toISOString(),
        },
      ],
      progress: null,
      ...overrides,
    },
    events: [event({ kind: 'signed_up' })],
  };
}

export function event(overrides: Partial<TenantEvent>): TenantEvent {
  return {
    id: 1,
    tenantId: 'user-1',
    region: 'fra',
    at: START,
    kind: 'step_done',
    step: null,
    detail: null,
    ...overrides,
  };
}
