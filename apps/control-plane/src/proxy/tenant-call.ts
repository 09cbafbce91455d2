import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { ControlPlaneError } from '../error-codes';
import type { Admission, Route } from '../gates/admission';
import type { GatesService } from '../gates/gates.service';
import type { Metrics } from '../observability/metrics';
import type { TimelineService } from '../tenants/timeline.service';
import type { Upload } from './upload';
import type { ProxyTimings } from './timings';

const MOST_OF_A_REFUSAL = 16 * 1024;

/** What every call to a tenant needs. */
export interface CallTools {
  gates: GatesService;
  timeline: TimelineService;
  metrics: Metrics;
  timings: ProxyTimings;
}

/**
 * One request to a tenant: through the gate, to its machine, and out again, counted exactly once whatever happens. What was certainly not
 * processed goes again, once for each reason: the machine refused the connection or is another tenant's (the gate then looks again), or
 * it did not know the token's key (it then gets the current keys). The answer is the subclass's.
 */
export abstract class TenantCall implements Dispatcher.DispatchHandler {
  protected route: Route | null = null;
  protected isOver = false;
  /** What to ask the tenant to change to, by `Upgrade`. */
  protected readonly protocol: string | null = null;
  private leave: (() => void) | null = null;
  private waiting: AbortController | null = null;
  private controller: Dispatcher.DispatchController | null = null;
  private hasAnswer = false;
  private refusal: Buffer[] | null = null;
  private hasDistrusted = false;
  private hasRefreshedKeys = false;
  private stallTimer: NodeJS.Timeout | undefined = undefined;

  constructor(
    protected readonly tools: CallTools,
    protected readonly tenantId: string,
    protected readonly method: string,
    protected readonly path: string,
    protected readonly upload: Upload | null,
  ) {}

  /** The headers for one try; the route carries the token. */
  protected abstract headersFor(route: Route): string[];
  /** The machine is there and about to get the request. */
  protected abstract onReady(): void;
  protected abstract onAnswer(status: number, headers: IncomingHttpHeaders): void;
  /** False when no more is wanted until `wantMore`. */
  protected abstract onChunk(chunk: Buffer): boolean;
  protected abstract onComplete(): void;
  /** `hasAnswer` where `onAnswer` was called before: the answer is cut short. */
  protected abstract onFailure(error: ControlPlaneError, hasAnswer: boolean): void;

  /** The tenant answered 101: the connection is the call's. Only where it asked for a `protocol`. */
  protected onUpgraded(_headers: IncomingHttpHeaders, tenant: Duplex): void {
    tenant.destroy();
  }

  /** A body that is not streamed. */
  protected ownBody(): Buffer | null {
    return null;
  }

  begin(): void {
    this.tools.metrics.proxiedOpen.inc();
    this.enter();
  }

  /** Nobody waits for the answer any more. Frees the place at once. */
  abandon(): void {
    if (this.isOver) return;
    const { controller } = this;
    this.finish();
    this.waiting?.abort();
    controller?.abort(new Error('Nobody waits for this answer any more.'));
  }

  /** For the gate, which only asks when the request has to wait: an awake tenant's costs no AbortController. */
  get signal(): AbortSignal {
    return (this.waiting ??= new AbortController()).signal;
  }

  /** Bytes went one way or the other. */
  protected touch(): void {
    this.stallTimer?.refresh();
  }

  protected wantMore(): void {
    this.touch();
    this.controller?.resume();
  }

  private enter(): void {
    let admission: Admission | Promise<Admission>;
    try {
      admission = this.tools.gates.enter(this.tenantId, this);
    } catch (error) {
      return this.fail(unreachable(error));
    }
    if (!(admission instanceof Promise)) return this.admitted(admission);
    admission.then(
      (outcome) => this.admitted(outcome),
      (error: unknown) => this.fail(unreachable(error)),
    );
  }

  private admitted(admission: Admission): void {
    if (this.isOver) {
      if (admission.outcome === 'proceed') admission.leave();
      return;
    }
    switch (admission.outcome) {
      case 'proceed':
        this.leave = admission.leave;
        return this.send(admission.route);
      case 'full':
        return this.fail(
          new ControlPlaneError('tenant_busy', 'Too many requests wait for this app already. Try again in a moment.', {
            retryAfterSeconds: admission.retryAfterSeconds,
          }),
        );
      case 'timedOut':
        return this.fail(
          new ControlPlaneError('tenant_not_ready', 'The app is still starting. Try again in a moment.', {
            retryAfterSeconds: admission.retryAfterSeconds,
          }),
        );
      case 'failed':
        return this.fail(admission.error);
      default:
        return admission satisfies never;
    }
  }

  private send(route: Route): void {
    this.route = route;
    this.controller = null;
    this.onReady();
    clearTimeout(this.stallTimer);
    this.stallTimer = setTimeout(() => this.onStalled(), this.tools.timings.stallMs);
    const body: Buffer | Readable | null = this.upload?.open() ?? this.ownBody();
    const headers = this.headersFor(route);
    route.dispatcher.dispatch(
      {
        path: this.path,
        method: this.method,
        headers,
        body,
        headersTimeout: 0,
        bodyTimeout: 0,
        upgrade: this.protocol,
      },
      this,
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.isOver) controller.abort(new Error('Nobody waits for this answer any more.'));
    else this.controller = controller;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (controller !== this.controller || status < 200) return; // 1xx are for this hop
    this.touch();
    if (status === 421) return this.onWrongMachine();
    if (status === 401) {
      this.refusal = []; // about our token: the client has none
      return;
    }
    if (status < 300 && this.method !== 'GET' && this.method !== 'HEAD') {
      this.tools.timeline.signal(this.tenantId, 'changed');
    }
    try {
      this.onAnswer(status, headers);
      this.hasAnswer = true;
    } catch (cause) {
      this.dropTry('with headers that cannot be passed on');
      this.fail(new ControlPlaneError('tenant_bad_answer', 'The app answered something invalid.', { cause }));
    }
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    _status: number,
    headers: IncomingHttpHeaders,
    tenant: Duplex,
  ): void {
    tenant.on('error', () => tenant.destroy()); // undici has let go of it
    if (controller !== this.controller) return void tenant.destroy();
    this.controller = null; // its part is over
    this.hasAnswer = true;
    this.touch();
    this.onUpgraded(headers, tenant);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (controller !== this.controller) return;
    this.touch();
    if (this.refusal) this.keepRefusal(this.refusal, chunk);
    else if (!this.onChunk(chunk)) controller.pause();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (controller !== this.controller) return;
    if (this.refusal) return this.onTokenRefused(Buffer.concat(this.refusal));
    this.finish();
    this.onComplete();
  }

  onResponseError(controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.isOver || (controller ?? null) !== this.controller) return;
    if (isOurMistake(error)) return this.fail(new ControlPlaneError('bad_request', 'The request cannot be passed on.'));
    if (this.controller === null && this.mayGoAgain()) return this.lookAgain();
    this.fail(unreachable(error));
  }

  /** The machine is another tenant's, or of another database: it said so before it read the body. */
  private onWrongMachine(): void {
    this.dropTry('with 421');
    if (this.mayGoAgain()) return this.lookAgain();
    if (!this.hasDistrusted && this.route) this.tools.gates.distrust(this.route);
    this.fail(
      new ControlPlaneError('tenant_not_ready', 'The app has moved while this was sent. Send it again.', {
        retryAfterSeconds: 1,
      }),
    );
  }

  private mayGoAgain(): boolean {
    return !this.hasDistrusted && (this.upload?.canBeSentAgain ?? true);
  }

  private lookAgain(): void {
    this.hasDistrusted = true;
    if (this.route) this.tools.gates.distrust(this.route);
    this.goThroughTheGateAgain();
  }

  private goThroughTheGateAgain(): void {
    this.upload?.close();
    this.leave?.();
    this.leave = null;
    this.enter();
  }

  private keepRefusal(refusal: Buffer[], chunk: Buffer): void {
    refusal.push(chunk);
    const bytes = refusal.reduce((sum, part) => sum + part.length, 0);
    if (bytes > MOST_OF_A_REFUSAL) this.onTokenRefused(Buffer.alloc(0));
  }

  private onTokenRefused(body: Buffer): void {
    this.refusal = null;
    this.dropTry('with 401');
    const { route } = this;
    const isKeyUnknown = codeOf(body) === 'unknown_key';
    if (!isKeyUnknown || this.hasRefreshedKeys || !route || !(this.upload?.canBeSentAgain ?? true)) {
      return this.fail(
        new ControlPlaneError('tenant_bad_answer', 'The app did not accept our token. Try again later.'),
      );
    }
    this.hasRefreshedKeys = true;
    clearTimeout(this.stallTimer);
    this.tools.gates.refreshKeys(route).then(
      () => (this.isOver ? undefined : this.goThroughTheGateAgain()),
      (error: unknown) => this.fail(unreachable(error)),
    );
  }

  /** What still comes of this try is nobody's business. */
  private dropTry(reason: string): void {
    const { controller } = this;
    this.controller = null;
    controller?.abort(new Error(`The tenant answered ${reason}.`));
  }

  private onStalled(): void {
    const { controller } = this;
    this.fail(new ControlPlaneError('tenant_timeout', 'Nothing was heard for too long. Try again.'));
    controller?.abort(new Error('No byte in either direction.'));
  }

  private fail(error: ControlPlaneError): void {
    if (this.isOver) return;
    this.finish();
    this.tools.metrics.proxyErrors.inc({ code: error.code });
    this.onFailure(error, this.hasAnswer);
  }

  private finish(): void {
    this.isOver = true;
    this.controller = null;
    clearTimeout(this.stallTimer);
    this.upload?.close();
    this.leave?.();
    this.leave = null;
    this.tools.metrics.proxiedOpen.dec();
  }
}

function unreachable(error: unknown): ControlPlaneError {
  if (error instanceof ControlPlaneError) return error;
  return new ControlPlaneError('tenant_unreachable', 'The app did not answer. Try again.', {
    cause: error,
    retryAfterSeconds: 1,
  });
}

/** undici refused what we handed it; no machine has seen it. */
function isOurMistake(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED';
}

function codeOf(body: Buffer): unknown {
  try {
    return (JSON.parse(body.toString()) as { code?: unknown } | null)?.code;
  } catch {
    return undefined;
  }
}
