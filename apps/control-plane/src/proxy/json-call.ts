import type { IncomingHttpHeaders } from 'node:http';
import { ControlPlaneError } from '../error-codes';
import { readyForBody } from '../front-door/request-context';
import type { Route } from '../gates/admission';
import { discardBody } from './discard-body';
import { TenantCall, type CallTools } from './tenant-call';
import type { TenantAnswer, TenantCallInput } from './tenant-json';
import { Upload } from './upload';

/** No page needs more; a tenant that sends more is at fault. */
const MOST_BYTES = 16 * 1024 * 1024;

/** A page's or controller's request to a tenant; the answer is collected. */
export class JsonCall extends TenantCall {
  private readonly chunks: Buffer[] = [];
  private bytes = 0;
  private status = 0;
  private answerHeaders: IncomingHttpHeaders = {};

  constructor(
    tools: CallTools,
    tenantId: string,
    private readonly call: TenantCallInput,
    private readonly settle: { resolve: (answer: TenantAnswer) => void; reject: (error: Error) => void },
  ) {
    const upload = call.stream ? new Upload(call.stream.body, () => this.touch()) : null;
    super(tools, tenantId, call.method, call.path, upload);
  }

  protected headersFor(route: Route): string[] {
    const { json, stream, headers = {}, requestId } = this.call;
    const list = ['authorization', route.authorization, 'x-request-id', requestId, 'accept', 'application/json'];
    if (json !== undefined) list.push('content-type', 'application/json');
    for (const name of ['content-type', 'content-length'] as const) {
      const value = stream?.body.headers[name];
      if (value !== undefined) list.push(name, value);
    }
    for (const [name, value] of Object.entries(headers)) list.push(name, value);
    return list;
  }

  protected override ownBody(): Buffer | null {
    return this.call.json === undefined ? null : Buffer.from(JSON.stringify(this.call.json));
  }

  protected onReady(): void {
    if (this.call.stream) readyForBody(this.call.stream.body);
  }

  protected onAnswer(status: number, headers: IncomingHttpHeaders): void {
    this.status = status;
    this.answerHeaders = headers;
  }

  protected onChunk(chunk: Buffer): boolean {
    this.bytes += chunk.length;
    if (this.bytes > MOST_BYTES) {
      this.abandon();
      this.onFailure(badAnswer('The answer of the app is too long.'));
    } else {
      this.chunks.push(chunk);
    }
    return true;
  }

  protected onComplete(): void {
    this.dropRest();
    const text = Buffer.concat(this.chunks).toString();
    const isJson = /\bjson\b/.test(this.answerHeaders['content-type'] ?? '');
    try {
      const body: unknown = isJson && text !== '' ? JSON.parse(text) : null;
      this.settle.resolve({ status: this.status, headers: plain(this.answerHeaders), body });
    } catch (cause) {
      this.settle.reject(badAnswer('The app answered something that is not JSON.', cause));
    }
  }

  protected onFailure(error: ControlPlaneError): void {
    this.dropRest();
    this.settle.reject(error);
  }

  private dropRest(): void {
    if (this.call.stream) discardBody(this.call.stream.body);
  }
}

function badAnswer(message: string, cause?: unknown): ControlPlaneError {
  return new ControlPlaneError('tenant_bad_answer', message, { cause });
}

function plain(headers: IncomingHttpHeaders): Record<string, string> {
  const entries = Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(entries);
}
