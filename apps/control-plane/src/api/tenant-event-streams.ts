import type { Logger } from '@app/common/logging/logger';
import { Inject, Injectable } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { contextOf } from '../front-door/request-context';
import { TenantStatusService } from '../gates/tenant-status.service';
import { LOGGER } from '../logger.token';
import { TimelineService, type TenantSignal } from '../tenants/timeline.service';

const HEARTBEAT_MS = 15_000;
/** A client that stopped reading is let go; it comes back and gets the current state. */
const MAX_UNREAD_BYTES = 256 * 1024;

/**
 * What an open dashboard hears (`text/event-stream`): first `state` with the tenant, then `step` or `state` with the tenant whenever it
 * is another, and `changed` after each write that went through. Wakes nothing and keeps nothing awake. The front door ends it when the
 * session or the process ends; it ends itself when the tenant is gone.
 */
@Injectable()
export class TenantEventStreams {
  constructor(
    private readonly status: TenantStatusService,
    private readonly timeline: TimelineService,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async open(tenantId: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    contextOf(request).endStream = () => response.end(); // from here on, so that a session that ends right now is not missed
    await this.status.get(tenantId); // throws `not_found` while an answer can still say so
    if (!isOpen(response)) return;
    response.setHeader('Content-Type', 'text/event-stream');
    response.setHeader('X-Accel-Buffering', 'no'); // nginx in front would hold it back
    response.writeHead(200);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    new TenantEventStream(tenantId, response, this.status, this.timeline, this.log).start();
  }
}

class TenantEventStream {
  /** What has to be told once the view that is being read has been sent; several signals become one. */
  private pending: 'step' | 'state' | null = null;
  private isReading = false;

  constructor(
    private readonly tenantId: string,
    private readonly response: ServerResponse,
    private readonly status: TenantStatusService,
    private readonly timeline: TimelineService,
    private readonly log: Logger,
  ) {}

  start(): void {
    const unsubscribe = this.timeline.subscribe(this.tenantId, (signal) => this.hear(signal));
    const heartbeat = setInterval(() => this.write(': still here\n\n'), HEARTBEAT_MS);
    this.response.once('close', () => {
      unsubscribe();
      clearInterval(heartbeat);
    });
    this.hear('state');
  }

  private hear(signal: TenantSignal): void {
    if (signal === 'changed') return this.write('event: changed\ndata: {}\n\n');
    this.pending = this.pending === 'state' ? 'state' : signal;
    if (!this.isReading) void this.tell();
  }

  /** Reads and writes one view after another, so that an older one never comes after a newer. */
  private async tell(): Promise<void> {
    this.isReading = true;
    try {
      while (this.pending && isOpen(this.response)) {
        const event = this.pending;
        this.pending = null;
        const found = await this.status.find(this.tenantId);
        if (!found) {
          this.response.end();
          return;
        }
        this.write(`event: ${event}\ndata: ${JSON.stringify(found.tenant)}\n\n`);
      }
    } catch (error) {
      this.log.error({ tenant: this.tenantId, error }, 'tenant_events.failed');
      this.response.destroy(); // the browser connects again
    } finally {
      this.isReading = false;
    }
  }

  private write(text: string): void {
    if (!isOpen(this.response)) return;
    if (this.response.writableLength > MAX_UNREAD_BYTES) this.response.destroy();
    else this.response.write(text);
  }
}

function isOpen(response: ServerResponse): boolean {
  return !response.writableEnded && !response.destroyed;
}
