import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ControlPlaneError } from '../error-codes';
import type { RequestContext } from '../front-door/request-context';
import { ProxiedCall } from './proxied-call';
import { webSocketHeaders } from './response-headers';
import type { CallTools } from './tenant-call';

/** A client may begin to talk before it has its answer; of more than this the rest waits in its socket. */
const MOST_EARLY_BYTES = 64 * 1024;
/** For what is still on its way out when one side has ended. */
const LINGER_MS = 1000;

/**
 * A WebSocket handshake (RFC 6455). Until the tenant has agreed it is a request like every other, and any answer but 101 is passed on as
 * one. From then on bytes go both ways as they come, and the slower side holds back the faster one. It counts as open until one side has
 * ended; without a byte in either direction for `stallMs` it is ended here (a ping is bytes).
 */
export class WebSocketCall extends ProxiedCall {
  protected override readonly protocol = 'websocket';
  private readonly client: Socket;
  private tenant: Duplex | null = null;
  private early: Buffer[] = [];
  private earlyBytes = 0;
  private isHungUp = false;

  constructor(
    tools: CallTools,
    request: IncomingMessage,
    response: ServerResponse,
    context: RequestContext,
    tenantId: string,
    path: string,
  ) {
    super(tools, request, response, context, tenantId, path);
    this.client = request.socket;
    context.endStream = () => this.hangUp();
    this.client.on('data', this.keepEarly).on('end', this.onClientEndedEarly); // read, or nobody would notice that it left
  }

  protected override onUpgraded(headers: IncomingHttpHeaders, tenant: Duplex): void {
    const { client } = this;
    this.tenant = tenant;
    client.off('data', this.keepEarly).off('end', this.onClientEndedEarly);
    for (const side of [client, tenant]) side.on('close', () => this.hangUp());
    this.response.writeHead(101, webSocketHeaders(headers, this.context.requestId));
    this.response.flushHeaders();
    for (const chunk of this.early) tenant.write(chunk);
    this.early = [];
    for (const side of [client, tenant]) {
      side.on('data', () => this.touch());
      side.on('end', () => this.lingerAndHangUp());
    }
    client.pipe(tenant);
    tenant.pipe(client);
  }

  protected override onFailure(error: ControlPlaneError, hasAnswer: boolean): void {
    if (!this.tenant) return super.onFailure(error, hasAnswer);
    this.context.errorCode = error.code;
    this.hangUp();
  }

  private readonly keepEarly = (chunk: Buffer): void => {
    this.early.push(chunk);
    this.earlyBytes += chunk.length;
    if (this.earlyBytes > MOST_EARLY_BYTES) this.client.pause();
  };

  private readonly onClientEndedEarly = (): void => {
    this.client.destroy();
  };

  /** One side has said its last; what the other one still says may arrive. */
  private lingerAndHangUp(): void {
    setTimeout(() => this.hangUp(), LINGER_MS).unref();
  }

  /** Ends both sides, with what is on its way out to them where that goes in time. Repeatable. */
  private hangUp(): void {
    this.abandon();
    const { client, tenant } = this;
    if (!tenant) return void client.destroy();
    if (this.isHungUp) return;
    this.isHungUp = true;
    client.unpipe();
    tenant.unpipe();
    for (const side of [client, tenant]) {
      if (side.destroyed) continue;
      side.resume(); // unread bytes would turn the end into a reset
      side.end();
      setTimeout(() => side.destroy(), LINGER_MS).unref();
    }
  }
}
