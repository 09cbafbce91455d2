import type { Logger } from '@app/common/logging/logger';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiTokensService } from '../accounts/api-tokens.service';
import { clearedSessionCookie } from '../accounts/session-cookie';
import { SessionsService } from '../accounts/sessions.service';
import { isPublicHttps, type ControlPlaneConfig } from '../config';
import { CONFIG } from '../config.token';
import { ControlPlaneError } from '../error-codes';
import { LOGGER } from '../logger.token';
import { Metrics } from '../observability/metrics';
import { TenantProxy } from '../proxy/tenant-proxy';
import { readBearerToken } from './bearer-token';
import { readyForBody, type SignedIn } from './request-context';
import { SEVERAL_COOKIES, readSessionCookie } from './read-session-cookie';
import { ALLOWED_METHODS, checkRequest } from './request-checks';
import { isSafeMethod, isSameOrigin } from './same-origin';
import { securityHeaders } from './security-headers';
import { unauthenticated } from './signed-in.guard';
import { TenantPaths } from './tenant-paths';
import { scopesFor, WEB_SOCKET_SCOPES } from './token-scopes';
import { TrustedProxies } from './trusted-proxies';
import { Visit, type House, type NestHandler } from './visit';

const INVALID_TOKEN = 'This API token is not known: it is misspelt, has expired or was revoked.';

/** How a request came in: Node tells apart what wants a body go-ahead or another protocol. */
export type Arrival = 'plain' | 'awaitsContinue' | 'expectsSomethingElse' | 'wantsWebSocket' | 'wantsTunnel';

/**
 * Everything that is done once for every request, whoever answers it: request id, log line, metrics, form of path and headers, session
 * or API token, same-origin check. Then it goes to the tenant's proxy or to Nest, which read the context made here.
 */
@Injectable()
export class FrontDoor implements OnModuleDestroy {
  private readonly house: House;
  private readonly proxies: TrustedProxies;
  private readonly paths: TenantPaths;
  private readonly isPublicHttps: boolean;
  private readonly stopListening: (() => void)[];
  private isClosing = false;

  constructor(
    private readonly sessions: SessionsService,
    private readonly tokens: ApiTokensService,
    private readonly proxy: TenantProxy,
    readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Readonly<ControlPlaneConfig>,
    @Inject(LOGGER) readonly log: Logger,
  ) {
    this.isPublicHttps = isPublicHttps(config);
    this.house = { log, metrics, visits: new Set(), setSecurityHeaders: securityHeaders(this.isPublicHttps) };
    this.paths = new TenantPaths(config.tenantPaths);
    this.proxies = new TrustedProxies(config.trustedProxies);
    this.stopListening = [sessions, tokens].map((all) => all.onEnded((hash) => this.endStreamsOf(hash)));
  }

  receive(request: IncomingMessage, response: ServerResponse, arrival: Arrival, nest: NestHandler): void {
    const visit = new Visit(this.house, request, response, nest);
    if (this.isClosing) return this.turnAway(visit);
    const refusal = checkRequest(request) ?? checkArrival(arrival);
    if (refusal) return visit.refuse(refusal);

    const { address, isSecure } = this.proxies.originOf(request);
    visit.clientAddress = address;
    visit.isSecure = isSecure || this.isPublicHttps;
    visit.wantsWebSocket = arrival === 'wantsWebSocket';
    if (arrival === 'awaitsContinue') visit.sendContinue = () => response.writeContinue();
    if (request.method === 'OPTIONS') return this.answerOptions(visit);
    const token = readBearerToken(request);
    if (token !== null) return this.findToken(visit, token);
    const mayWrite = visit.wantsWebSocket || !isSafeMethod(request.method ?? '');
    if (mayWrite && !isSameOrigin(request.headers, this.config.publicUrl)) {
      return visit.refuse(new ControlPlaneError('cross_site', 'This request came from another site and was refused.'));
    }
    this.findSession(visit);
  }

  /** Turns new requests away and ends what has no end of its own; what is under way finishes. */
  startClosing(): void {
    this.isClosing = true;
    for (const visit of this.house.visits) visit.endIfStream();
  }

  onModuleDestroy(): void {
    for (const stop of this.stopListening) stop();
  }

  /** Where a token came it alone counts: a cookie beside it is not read. No browser sends one by itself, so its origin does not matter. */
  private findToken(visit: Visit, token: string): void {
    const { method = '', url = '' } = visit.request;
    let signedIn: SignedIn | null;
    try {
      signedIn = this.tokens.lookUp(token);
    } catch (error) {
      return visit.refuse(error);
    }
    if (!signedIn) return visit.refuse(new ControlPlaneError('invalid_token', INVALID_TOKEN));
    const needed = visit.wantsWebSocket ? WEB_SOCKET_SCOPES : scopesFor(method, url, this.config.tenantPaths);
    const missing = needed.filter((scope) => !signedIn.apiToken?.scopes.has(scope));
    if (missing.length > 0) {
      visit.session = signedIn;
      return visit.refuse(
        new ControlPlaneError('insufficient_scope', `This needs a token with the scope ${missing.join(' ')}.`),
      );
    }
    this.letIn(visit, signedIn);
  }

  private findSession(visit: Visit): void {
    const cookie = readSessionCookie(visit.request.headers.cookie, visit.isSecure);
    if (cookie === null) return this.letIn(visit, null);
    if (cookie === SEVERAL_COOKIES) return this.refuseCookies(visit);
    let session: SignedIn | null;
    try {
      session = this.sessions.lookUp(cookie);
    } catch (error) {
      return visit.refuse(error);
    }
    this.letIn(visit, session);
  }

  private letIn(visit: Visit, session: SignedIn | null): void {
    const { request, response } = visit;
    visit.session = session;
    const target = this.paths.targetOf(request.method ?? '', request.url ?? '');
    if (!target) return visit.wantsWebSocket ? visit.refuse(noWebSocketHere()) : this.toNest(visit);
    visit.route = target.route;
    if (!session) return visit.refuse(unauthenticated());
    if (visit.wantsWebSocket) return this.proxy.openWebSocket(request, response, session.userId, target.path);
    this.proxy.forward(request, response, session.userId, target.path);
  }

  private toNest(visit: Visit): void {
    if (isParsedByNest(visit.request)) readyForBody(visit.request);
    visit.toNest();
  }

  /** The browser holds a cookie from each of HTTP and HTTPS, or somebody set one. The plain one is taken back, so that the next try works. */
  private refuseCookies(visit: Visit): void {
    visit.response.setHeader('Set-Cookie', clearedSessionCookie(false));
    visit.refuse(new ControlPlaneError('bad_headers', 'More than one session cookie came. Reload the page.'));
  }

  private answerOptions(visit: Visit): void {
    visit.route = 'OPTIONS';
    visit.response.writeHead(204, { Allow: ALLOWED_METHODS, 'X-Request-Id': visit.requestId });
    visit.response.end();
  }

  private turnAway(visit: Visit): void {
    visit.response.shouldKeepAlive = false;
    visit.refuse(
      new ControlPlaneError('shutting_down', 'The service is restarting. Try again in a moment.', {
        retryAfterSeconds: 2,
      }),
    );
  }

  private endStreamsOf(sessionHash: string): void {
    for (const visit of this.house.visits) {
      if (visit.session?.sessionHash === sessionHash) visit.endIfStream();
    }
  }
}

function checkArrival(arrival: Arrival): ControlPlaneError | null {
  switch (arrival) {
    case 'plain':
    case 'awaitsContinue':
    case 'wantsWebSocket':
      return null;
    case 'expectsSomethingElse':
      return new ControlPlaneError('expectation_failed', 'The only expectation that is met here is 100-continue.');
    case 'wantsTunnel':
      return new ControlPlaneError('method_not_allowed', 'This server is no forward proxy.');
    default:
      return arrival satisfies never;
  }
}

function noWebSocketHere(): ControlPlaneError {
  return new ControlPlaneError('upgrade_not_supported', "Only the app's own paths take WebSockets.");
}

/** Nest's parsers read these at once; every other body waits until somebody is ready for it. */
function isParsedByNest({ headers }: IncomingMessage): boolean {
  return /^application\/(?:[\w.+-]*json|x-www-form-urlencoded)\b/i.test(headers['content-type'] ?? '');
}
