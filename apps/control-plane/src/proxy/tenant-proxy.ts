import { Inject, Injectable, Optional } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { contextOf } from '../front-door/request-context';
import { GatesService } from '../gates/gates.service';
import { Metrics } from '../observability/metrics';
import { TimelineService } from '../tenants/timeline.service';
import { ProxiedCall } from './proxied-call';
import type { CallTools } from './tenant-call';
import { DEFAULT_TIMINGS, PROXY_TIMINGS, type ProxyTimings } from './timings';

/** Carries people's requests to their tenant, streaming both ways. */
@Injectable()
export class TenantProxy {
  private readonly tools: CallTools;

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
}
