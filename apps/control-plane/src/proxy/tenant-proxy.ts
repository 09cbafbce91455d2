import { Inject, Injectable, Optional } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { contextOf } from '../front-door/request-context';
import { ControlPlaneError } from '../error-codes';
import { GatesService } from '../gates/gates.service';
import { Metrics } from '../observability/metrics';
import { TimelineService } from '../tenants/timeline.service';
import { ProxiedCall } from './proxied-call';
import type { CallTools } from './tenant-call';
import { WebSocketCall } from './web-socket-call';
import { DEFAULT_TIMINGS, PROXY_TIMINGS, type ProxyTimings } from './timings';

/** WebSockets of one tenant at once: they are outside its pool of connections, which bounds everything else. */
const MOST_WEB_SOCKETS = 32;

/** Carries people's requests to their tenant, streaming both ways. */
@Injectable()
export class TenantProxy {
  private readonly tools: CallTools;
  /** Open WebSockets by tenant, those included that wait for it to wake. */
  private readonly webSockets = new Map<string, number>();

  constructor(
    gates: GatesService,
    timeline: TimelineService,
    metrics: Metrics,
    @Optional() @Inject(PROXY_TIMINGS) timings: ProxyTimings = DEFAULT_TIMINGS,
  ) {
    this.tools = { gates, timeline, metrics, timings };
  }

  /** Wakes the tenant where needed, passes the request on and answers it. `tenantPath` is the tenant's own path with its query. */
  forward(request: IncomingMessage, response: ServerResponse, tenantId: string, tenantPath: string): void {
    new ProxiedCall(this.tools, request, response, contextOf(request), tenantId, tenantPath).begin();
  }

  /** The same for a WebSocket handshake; 429 `too_many_streams` where the tenant has as many already as it may. */
  openWebSocket(request: IncomingMessage, response: ServerResponse, tenantId: string, tenantPath: string): void {
    const open = this.webSockets.get(tenantId) ?? 0;
    const context = contextOf(request);
    if (open >= MOST_WEB_SOCKETS) {
      const message = `There may be ${MOST_WEB_SOCKETS} open WebSockets at most. Close one, or try again later.`;
      context.refuse?.(new ControlPlaneError('too_many_streams', message, { retryAfterSeconds: 5 }));
      return;
    }
    this.webSockets.set(tenantId, open + 1);
    response.once('close', () => this.webSocketClosed(tenantId));
    new WebSocketCall(this.tools, request, response, context, tenantId, tenantPath).begin();
  }

  private webSocketClosed(tenantId: string): void {
    const left = (this.webSockets.get(tenantId) ?? 1) - 1;
    if (left > 0) this.webSockets.set(tenantId, left);
    else this.webSockets.delete(tenantId);
  }
}
