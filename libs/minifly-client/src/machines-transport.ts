import { Agent, request, type Dispatcher } from 'undici';
import { classify, errorText, MachinesApiError } from './errors';
import type { RateLimits } from './rate-limits';
import { defaultRetry, withRetry, type Repeatable, type RetryOptions } from './retry';

export interface MachinesClientOptions {
  /** `http(s)://host[:port]`, with or without `/v1`, or the path of a Unix socket. */
  baseUrl: string;
  token?: string;
  /** How long one answer may take; `wait` adds what it asks the server to wait. */
  timeoutMs?: number;
  retry?: RetryOptions;
  /** Asked before each try. Absent: calls are sent as they come. */
  limits?: RateLimits;
}

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  path: string;
  query?: Record<string, string | string[] | number | boolean | undefined>;
  body?: unknown;
  repeatable: Repeatable;
  /** On top of the usual time-out, for a call that the server holds. */
  heldMs?: number;
}

/** Sends calls to one Machines API and turns whatever goes wrong into `MachinesApiError`. */
export class MachinesTransport {
  readonly #agent: Agent;
  readonly #origin: string;
  readonly #headers: Record<string, string>;
  readonly #timeoutMs: number;
  readonly #retry: RetryOptions;
  readonly #limits: RateLimits | undefined;

  constructor(options: MachinesClientOptions) {
    const socketPath = /^https?:\/\//.test(options.baseUrl) ? undefined : options.baseUrl.replace(/^unix:(\/\/)?/, '');
    // As many connections as there are calls: a wait holds its own for up to a minute.
    this.#agent = new Agent({ connect: socketPath ? { socketPath } : {}, keepAliveTimeout: 30_000 });
    this.#origin = socketPath ? 'http://localhost' : options.baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '');
    this.#headers = {
      accept: 'application/json',
      ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
    };
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#retry = options.retry ?? defaultRetry;
    this.#limits = options.limits;
  }

  /** The answer's body (JSON where it is, else text) of a 2xx; repeats where the call says that this is safe. */
  async send(call: Call, signal: AbortSignal): Promise<unknown> {
    return withRetry(() => this.#sendOnce(call, signal), call.repeatable, signal, this.#retry);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #sendOnce(call: Call, signal: AbortSignal): Promise<unknown> {
    await this.#limits?.take(call, signal);
    const timeoutMs = this.#timeoutMs + (call.heldMs ?? 0);
    let response: Dispatcher.ResponseData;
    let text: string;
    try {
      response = await request(`${this.#origin}/v1${call.path}${queryText(call.query)}`, {
        dispatcher: this.#agent,
        method: call.method,
        headers: call.body === undefined ? this.#headers : { ...this.#headers, 'content-type': 'application/json' },
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      text = await response.body.text();
    } catch (error) {
      signal.throwIfAborted();
      throw notAnswered(call, error);
    }
    const body = parseBody(text);
    if (response.statusCode < 200 || response.statusCode > 299) throw refused(call, response, body);
    return body;
  }
}

function queryText(query: Call['query']): string {
  const pairs = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) pairs.append(key, String(one));
  }
  return pairs.size > 0 ? `?${pairs.toString()}` : '';
}

/** An error's body may be plain text or empty (proxies, Minifly): never a reason to fail over the failure. */
function parseBody(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function refused(call: Call, response: Dispatcher.ResponseData, body: unknown): MachinesApiError {
  const { statusCode: status, headers } = response;
  const requestId = headers['fly-request-id'];
  const retryAfter = Number(headers['retry-after']);
  return new MachinesApiError(
    `${call.method} ${call.path} answered ${status}: ${errorText(body) || 'no reason given'}`,
    {
      status,
      body,
      requestId: typeof requestId === 'string' ? requestId : null,
      reason: classify(status, body),
      ...(retryAfter > 0 ? { retryAfterMs: retryAfter * 1000 } : {}),
    },
  );
}

const TIMEOUT_CODES = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

function notAnswered(call: Call, cause: unknown): MachinesApiError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  return new MachinesApiError(`${call.method} ${call.path} got no answer: ${code || String(cause)}`, {
    status: 0,
    body: null,
    requestId: null,
    reason: TIMEOUT_CODES.has(code) ? 'timeout' : 'unavailable',
    cause,
  });
}
