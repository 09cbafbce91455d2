import type { Clock } from '@app/common/time/clock';
import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'undici';
import { CLOCK } from '../clock.token';

/** What a machine's own `/readyz` told about itself. `started` on the platform is not ready; this is. */
export type Readiness =
  | { outcome: 'ready'; databaseId: string; schemaVersion: number }
  /** No answer, or an answer that it is not ready; asking again may tell more. */
  | { outcome: 'notYet'; detail: string }
  /** Somebody else answers at this address. */
  | { outcome: 'wrongTenant'; detail: string }
  /** It serves another database than the tenant's: never an empty one in the place of a full one. */
  | { outcome: 'wrongDatabase'; detail: string }
  /** It says 200 without what `docs/TENANT-CONTRACT.md` asks for. */
  | { outcome: 'wrongSchema'; detail: string };

export interface ReadinessQuestion {
  origin: string;
  /** Said with every request, besides what is asked. */
  headers?: Readonly<Record<string, string>>;
  tenantId: string;
  /** Null until the first healthy answer, which names it. */
  databaseId: string | null;
}

const FIRST_PAUSE_MS = 2;
const LAST_PAUSE_MS = 250;
const ANSWER_TIMEOUT_MS = 5000;
const MAX_ANSWER_BYTES = 64 * 1024;

/** Asks machines whether they are ready, and which tenant's database they serve. */
@Injectable()
export class ReadinessProbe {
  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  /**
   * Asks until the answer is another than `notYet`, at most so long. The pauses grow from 2 ms, about a tenth of the time waited,
   * to 250 ms: an embedded machine is ready within a tenth of a second, a container takes seconds. An aborted signal throws its reason.
   */
  async waitUntilReady(question: ReadinessQuestion, withinMs: number, signal: AbortSignal): Promise<Readiness> {
    const deadline = this.clock.now() + withinMs;
    const client = clientOf(question.origin);
    try {
      for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.1, LAST_PAUSE_MS)) {
        const readiness = await askOnce(client, question, signal);
        if (readiness.outcome !== 'notYet' || this.clock.now() + pauseMs >= deadline) return readiness;
        await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    } finally {
      await client.destroy();
    }
  }

  /** As `waitUntilReady`, without a second try. */
  async ask(question: ReadinessQuestion, signal: AbortSignal): Promise<Readiness> {
    return this.waitUntilReady(question, 0, signal);
  }
}

function clientOf(origin: string): Client {
  return new Client(origin, {
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
    connectTimeout: ANSWER_TIMEOUT_MS,
    maxResponseSize: MAX_ANSWER_BYTES,
  });
}

async function askOnce(client: Client, question: ReadinessQuestion, signal: AbortSignal): Promise<Readiness> {
  try {
    const response = await client.request({ method: 'GET', path: '/readyz', headers: { ...question.headers }, signal });
    const text = await response.body.text();
    if (response.statusCode !== 200) return notYet(`/readyz answered ${response.statusCode}`);
    return judgeAnswer(text, question);
  } catch (error) {
    signal.throwIfAborted();
    return notYet(String((error as NodeJS.ErrnoException).code ?? error));
  }
}

/** Pure: what a 200 of `/readyz` means for the tenant that was asked for. */
export function judgeAnswer(text: string, expected: Omit<ReadinessQuestion, 'origin' | 'headers'>): Readiness {
  const answer = parseObject(text);
  const { tenantId, databaseId, schemaVersion } = answer ?? {};
  if (typeof tenantId !== 'string' || typeof databaseId !== 'string' || databaseId === '') {
    return { outcome: 'wrongSchema', detail: '/readyz does not name its tenant and database' };
  }
  if (typeof schemaVersion !== 'number' || !Number.isInteger(schemaVersion) || schemaVersion < 0) {
    return { outcome: 'wrongSchema', detail: '/readyz does not name its schema version' };
  }
  if (tenantId !== expected.tenantId) {
    return { outcome: 'wrongTenant', detail: `the machine says that it serves the tenant ${tenantId}` };
  }
  if (expected.databaseId !== null && databaseId !== expected.databaseId) {
    return {
      outcome: 'wrongDatabase',
      detail: `the machine serves the database ${databaseId}, not ${expected.databaseId}`,
    };
  }
  return { outcome: 'ready', databaseId, schemaVersion };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null; // any object has string keys
  } catch {
    return null;
  }
}

const notYet = (detail: string): Readiness => ({ outcome: 'notYet', detail });
