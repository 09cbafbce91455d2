import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { ControlPlaneError } from '../error-codes';
import { readyForBody, type RequestContext } from '../front-door/request-context';
import type { Route } from '../gates/admission';
import { discardBody } from './discard-body';
import { hasBody, isBodiless, tenantHeaders } from './request-headers';
import { answerHeaders, isEventStream } from './response-headers';
import { TenantCall, type CallTools } from './tenant-call';
import { Upload } from './upload';

const NEW_LINE = 0x0a;
/** A comment alone on its line: harmless between the lines of an event too. */
const HEARTBEAT = ':\n';
/** Up to here one copy is cheaper than what it spares. */
const ONE_WRITE_BYTES = 16 * 1024;

/** A client's own request to its tenant, bytes untouched in both directions and never more of them in memory than is under way. */
export class ProxiedCall extends TenantCall {
  private isPaused = false;
  private heartbeat: NodeJS.Timeout | undefined = undefined;
  private isAtLineStart = true;
  private announcedBytes = -1;

  constructor(
    tools: CallTools,
    private readonly request: IncomingMessage,
    protected readonly response: ServerResponse,
    protected readonly context: RequestContext,
    tenantId: string,
    path: string,
  ) {
    const upload = hasBody(request.headers) && !isBodiless(request) ? new Upload(request, () => this.touch()) : null;
    super(tools, tenantId, request.method ?? 'GET', path, upload);
    response.on('close', () => this.onClientGone());
  }

  protected headersFor(route: Route): string[] {
    return tenantHeaders(this.request, this.context, route);
  }

  protected onReady(): void {
    readyForBody(this.request);
  }

  protected onAnswer(status: number, headers: IncomingHttpHeaders): void {
    const { response } = this;
    this.announcedBytes = Number(headers['content-length'] ?? -1);
    response.writeHead(status, answerHeaders(status, headers, this.context.requestId));
    if (isEventStream(headers)) this.becomeStream(headers);
    else if (headers['content-length'] === undefined && this.method !== 'HEAD') response.flushHeaders();
  }

  protected onChunk(chunk: Buffer): boolean {
    if (chunk.length === this.announcedBytes && chunk.length <= ONE_WRITE_BYTES) {
      // All of it: Node sends a string in one piece with the headers, and a Buffer beside them.
      this.response.end(chunk.toString('latin1'), 'latin1');
      return true;
    }
    this.isAtLineStart = chunk[chunk.length - 1] === NEW_LINE;
    if (this.response.write(chunk)) return true;
    if (!this.isPaused) {
      this.isPaused = true;
      this.response.once('drain', () => {
        this.isPaused = false;
        this.wantMore();
      });
    }
    return false;
  }

  protected onComplete(): void {
    clearInterval(this.heartbeat);
    if (!this.response.writableEnded) this.response.end();
    if (!this.request.complete) discardBody(this.request);
  }

  protected onFailure(error: ControlPlaneError, hasAnswer: boolean): void {
    clearInterval(this.heartbeat);
    if (hasAnswer) {
      this.context.errorCode = error.code;
      this.response.destroy(); // half an answer must not look like a whole one
    } else {
      this.context.refuse?.(error);
    }
  }

  /** Silence is no fault of a stream; a client that takes nothing for as long as the stall timer allows is gone. */
  private becomeStream(headers: IncomingHttpHeaders): void {
    const { response } = this;
    const canComment = headers['content-encoding'] === undefined && headers['content-length'] === undefined;
    this.context.endStream = () => this.endStream();
    response.flushHeaders();
    this.heartbeat = setInterval(() => {
      if (response.writableNeedDrain) return;
      this.touch();
      if (canComment && this.isAtLineStart) response.write(HEARTBEAT);
    }, this.tools.timings.heartbeatMs);
  }

  private endStream(): void {
    clearInterval(this.heartbeat);
    this.abandon();
    this.response.end();
  }

  private onClientGone(): void {
    clearInterval(this.heartbeat);
    this.abandon();
  }
}
