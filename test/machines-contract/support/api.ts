import { randomBytes } from 'node:crypto';
import { Agent, request } from 'undici';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** JSON where it is, else the text. */
  body: unknown;
}

export interface Sent {
  body?: unknown;
  /** Instead of `body`: exactly these bytes. */
  raw?: string | Buffer;
  headers?: Record<string, string>;
}

/** Plain HTTP to a Machines API, so that the contract is seen as it is and not as a client of ours reads it. */
export class Api {
  readonly #agent: Agent;
  readonly #origin: string;

  constructor(baseUrl: string) {
    const isUrl = /^https?:/.test(baseUrl);
    this.#agent = new Agent({ connect: isUrl ? {} : { socketPath: baseUrl } });
    this.#origin = isUrl ? baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '') : 'http://localhost';
  }

  async call(method: string, path: string, sent: Sent = {}): Promise<Answer> {
    const body = sent.raw ?? (sent.body === undefined ? null : JSON.stringify(sent.body));
    const response = await request(this.#origin + path, {
      dispatcher: this.#agent,
      method: method as 'GET',
      headers: body === null ? { ...sent.headers } : { 'content-type': 'application/json', ...sent.headers },
      body,
    });
    const text = await response.body.text();
    return { status: response.statusCode, headers: response.headers, body: parsed(text) };
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** A name that no test before had: names of apps are for everybody, and stay taken on a real platform. */
export const newAppName = () => `contract-${randomBytes(5).toString('hex')}`;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
