import { Inject, Injectable, Optional } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { GatesService } from '../gates/gates.service';
import { Metrics } from '../observability/metrics';
import { TimelineService } from '../tenants/timeline.service';
import { JsonCall } from './json-call';
import type { CallTools } from './tenant-call';
import { DEFAULT_TIMINGS, PROXY_TIMINGS, type ProxyTimings } from './timings';

/** One request to a tenant on behalf of a page or an API controller. */
export interface TenantCallInput {
  method: string;
  /** The tenant's own path with its query, as in `/todos?filter=open`. */
  path: string;
  /** Sent as the JSON body. */
  json?: unknown;
  /** Streamed on untouched, with its content type and length. */
  stream?: { body: IncomingMessage };
  headers?: Record<string, string>;
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal;
  requestId: string;
}

export interface TenantAnswer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** The parsed JSON, or null where there was none. */
  body: unknown;
}

/** Requests that the control plane makes itself to a tenant, with its token. They wake it and count as open, like every other. */
@Injectable()
export class TenantJson {
  private readonly tools: CallTools;

  constructor(
    gates: GatesService,
    timeline: TimelineService,
    metrics: Metrics,
    @Optional() @Inject(PROXY_TIMINGS) timings: ProxyTimings = DEFAULT_TIMINGS,
  ) {
    this.tools = { gates, timeline, metrics, timings };
  }

  /**
   * Gives whatever the tenant answers, refusals too; what is left of an upload that it answered early is read and thrown away.
   * Throws `tenant_busy`, `tenant_not_ready`, `tenant_failed`, `tenant_deleting` or `platform_unavailable` where the gate lets nobody in,
   * `tenant_unreachable`, `tenant_timeout` or `tenant_bad_answer` where the tenant does not answer, and the signal's reason when it is aborted.
   * Goes again by itself only where nothing was processed.
   */
  request(tenantId: string, input: TenantCallInput): Promise<TenantAnswer> {
    const { signal } = input;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const call = new JsonCall(this.tools, tenantId, input, {
        resolve: (answer) => (signal.removeEventListener('abort', abandon), resolve(answer)),
        reject: (error) => (signal.removeEventListener('abort', abandon), reject(error)),
      });
      const abandon = () => (call.abandon(), reject(signal.reason as Error));
      signal.addEventListener('abort', abandon, { once: true });
      call.begin();
    });
  }
}
