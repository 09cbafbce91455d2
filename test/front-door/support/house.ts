import { createLogger } from '@app/common/logging/logger';
import { Body, Controller, Get, Module, Post, Req, Res, UseGuards } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Request, Response } from 'express';
import { request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { ApiTokensService } from '../../../apps/control-plane/src/accounts/api-tokens.service';
import { SessionsService } from '../../../apps/control-plane/src/accounts/sessions.service';
import { ControlPlaneConfig } from '../../../apps/control-plane/src/config';
import { CONFIG } from '../../../apps/control-plane/src/config.token';
import { CurrentSession } from '../../../apps/control-plane/src/front-door/current-session.decorator';
import { FrontDoor } from '../../../apps/control-plane/src/front-door/front-door';
import { FrontDoorAdapter } from '../../../apps/control-plane/src/front-door/front-door-adapter';
import { ProblemFilter } from '../../../apps/control-plane/src/front-door/problem.filter';
import { contextOf, type SignedIn } from '../../../apps/control-plane/src/front-door/request-context';
import { SignedInGuard } from '../../../apps/control-plane/src/front-door/signed-in.guard';
import { GatesService } from '../../../apps/control-plane/src/gates/gates.service';
import { LOGGER } from '../../../apps/control-plane/src/logger.token';
import { Metrics } from '../../../apps/control-plane/src/observability/metrics';
import { TenantJson } from '../../../apps/control-plane/src/proxy/tenant-json';
import { TenantProxy } from '../../../apps/control-plane/src/proxy/tenant-proxy';
import { PROXY_TIMINGS, type ProxyTimings } from '../../../apps/control-plane/src/proxy/timings';
import { TimelineService } from '../../../apps/control-plane/src/tenants/timeline.service';
import { FakeTenant } from './fake-tenant';
import { GatesStandIn, SessionsStandIn, TokensStandIn } from './stand-ins';

/** What stands behind the front door for requests that are Nest's. */
@Controller()
class NestSide {
  static handled = 0;

  constructor(private readonly tenantJson: TenantJson) {}

  @Get('who')
  who(@Req() request: Request): unknown {
    NestSide.handled++;
    const { session, clientAddress, isSecure } = contextOf(request);
    return { session, clientAddress, isSecure };
  }

  @Post('echo')
  echo(@Body() body: unknown): unknown {
    NestSide.handled++;
    return { body };
  }

  @Get('page')
  @UseGuards(SignedInGuard)
  page(@CurrentSession() session: SignedIn): string {
    return session.email;
  }

  @Get('api/v1/me')
  @UseGuards(SignedInGuard)
  me(@CurrentSession() session: SignedIn): unknown {
    return { email: session.email };
  }

  /** A form of a page: its body goes on to the tenant as it is. */
  @Post('forms/:what')
  async form(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<unknown> {
    const left = new AbortController();
    response.on('close', () => left.abort());
    return this.tenantJson.request('alice', {
      method: 'POST',
      path: '/todos',
      stream: { body: request },
      headers: { 'idempotency-key': 'key-1' },
      signal: left.signal,
      requestId: contextOf(request).requestId,
    });
  }

  @Get('stream')
  stream(@Res() response: Response): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(':\n\n');
  }

  @Get('bug')
  bug(): never {
    throw new Error('the secret of the bug');
  }
}

export interface HouseOptions {
  config?: Partial<ControlPlaneConfig>;
  timings?: ProxyTimings;
}

/** A front door over real HTTP, with Nest behind it, a tenant's server beside it, and stand-ins for what is not under test. */
export class House {
  readonly signals: [string, string][] = [];
  readonly log: Record<string, unknown>[] = [];
  readonly sessions = new SessionsStandIn();
  readonly tokens = new TokensStandIn();
  readonly gates = new GatesStandIn();
  app!: NestExpressApplication;
  tenant!: FakeTenant;

  static async open({ config = {}, timings = { stallMs: 60_000, heartbeatMs: 15_000 } }: HouseOptions = {}) {
    const house = new House();
    house.tenant = await FakeTenant.start();
    house.gates.origin = house.tenant.origin;

    @Module({
      controllers: [NestSide],
      providers: [
        FrontDoor,
        TenantProxy,
        TenantJson,
        Metrics,
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: SessionsService, useValue: house.sessions },
        { provide: ApiTokensService, useValue: house.tokens },
        { provide: GatesService, useValue: house.gates },
        {
          provide: TimelineService,
          useValue: { signal: (tenantId: string, signal: string) => house.signals.push([tenantId, signal]) },
        },
        { provide: CONFIG, useValue: Object.assign(new ControlPlaneConfig(), config) },
        { provide: LOGGER, useValue: createLogger({ app: 'test', level: 'info' }, linesInto(house.log)) },
        { provide: PROXY_TIMINGS, useValue: timings },
      ],
    })
    class TestModule {}

    const adapter = new FrontDoorAdapter();
    house.app = await NestFactory.create<NestExpressApplication>(TestModule, adapter, { logger: false });
    adapter.open(house.app.get(FrontDoor));
    await house.app.listen(0, '127.0.0.1');
    return house;
  }

  get server(): Server {
    return this.app.getHttpServer();
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get handledByNest(): number {
    return NestSide.handled;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<globalThis.Response> {
    return fetch(this.url + path, { headers: { cookie: 'session=alice', ...headers }, redirect: 'manual' });
  }

  /** Opens a request by node:http, for what fetch does not let through. */
  request(
    path: string,
    options: { method?: string; headers?: Record<string, string | string[]> } = {},
  ): ReturnType<typeof httpRequest> {
    const { method = 'GET', headers = {} } = options;
    return httpRequest({
      host: '127.0.0.1',
      port: this.port,
      path,
      method,
      headers: { cookie: 'session=alice', ...headers },
      agent: false,
    });
  }

  async gauge(name: 'openConnections' | 'proxiedOpen'): Promise<number> {
    const { values } = await this.app.get(Metrics)[name].get();
    return values[0]?.value ?? 0;
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.gates.close();
    await this.tenant.stop();
  }
}

/** The answer to a request made with `House.request`. */
export function answerOf(request: ReturnType<typeof httpRequest>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => request.once('response', resolve).once('error', reject));
}

export async function textOf(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message) text += (chunk as Buffer).toString('latin1');
  return text;
}

function linesInto(list: Record<string, unknown>[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      list.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
}
