export type MachinesApiReason =
  | 'not_found'
  | 'conflict'
  /** The region has no room; another region may. */
  | 'capacity_region'
  /** The host of this machine or volume has no room; another host of the region may. */
  | 'capacity_host'
  | 'quota'
  | 'rate_limited'
  /** Not reached, or reached and not working: nothing is known about what was asked. */
  | 'unavailable'
  | 'timeout'
  | 'precondition'
  /** An update was taken on and the machine went back to what it was: its image could not be fetched, most often. */
  | 'reverted'
  | 'name_taken'
  | 'bad_request'
  | 'unauthorized'
  | 'unknown';

export interface MachinesApiFailure {
  /** 0 where no answer came. */
  status: number;
  body: unknown;
  requestId: string | null;
  reason: MachinesApiReason;
  /** What the server asked for in `Retry-After`; Fly does not document it, others send it. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** The one error of this library: what the Machines API answered, or that it did not answer, with a reason to act on. */
export class MachinesApiError extends Error {
  override readonly name = 'MachinesApiError';
  readonly status: number;
  readonly body: unknown;
  readonly requestId: string | null;
  readonly reason: MachinesApiReason;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, failure: MachinesApiFailure) {
    super(message, { cause: failure.cause });
    this.status = failure.status;
    this.body = failure.body;
    this.requestId = failure.requestId;
    this.reason = failure.reason;
    this.retryAfterMs = failure.retryAfterMs;
  }
}

/** True for a `MachinesApiError` with one of the reasons. */
export function failedWith(error: unknown, ...reasons: MachinesApiReason[]): error is MachinesApiError {
  return error instanceof MachinesApiError && reasons.includes(error.reason);
}

/** What the answer's body says, whether it is Fly's JSON (`error`, or `message`), plain text, or nothing. */
export function errorText(body: unknown): string {
  if (typeof body === 'string') return body;
  if (typeof body !== 'object' || body === null) return '';
  const { error, message } = body as { error?: unknown; message?: unknown };
  return typeof error === 'string' ? error : typeof message === 'string' ? message : '';
}

/**
 * Sorts an answer into a reason. The body's `status` word is believed before its text; text decides only where Fly uses one
 * code for several things, or an older answer has no word. The texts are those of Fly's client and of reports from production.
 */
export function classify(httpStatus: number, body: unknown): MachinesApiReason {
  const word = statusWord(body);
  if (word === 'name_taken') return 'name_taken';
  if (word === 'insufficient_capacity') return 'capacity_region';
  if (word === 'volume_placement_capacity') return 'capacity_host';

  const text = errorText(body);
  if (/deploys to this host are temporarily disabled/i.test(text)) return 'unavailable';
  if (httpStatus >= 500) return httpStatus === 504 ? 'timeout' : 'unavailable';
  switch (httpStatus) {
    case 400:
      if (/no capacity/i.test(text)) return 'capacity_region';
      // A volume that is being deleted: it is still shown, and no machine can be made on it any more.
      return /volume (\S+ )?not found/i.test(text) ? 'precondition' : 'bad_request';
    case 401:
      return 'unauthorized';
    case 403:
      return /quota/i.test(text) ? 'quota' : 'unauthorized';
    case 404:
      return 'not_found';
    case 408:
      return 'timeout';
    case 409:
      return reasonOf409(text);
    case 412:
      return /insufficient resources to create new machine with existing volume/i.test(text)
        ? 'capacity_host'
        : 'precondition';
    case 422:
      if (/already been taken/i.test(text)) return 'name_taken';
      return /could not find a candidate host/i.test(text) ? 'capacity_region' : 'bad_request';
    case 429:
      return 'rate_limited';
    default:
      return httpStatus >= 400 ? 'bad_request' : 'unknown';
  }
}

function reasonOf409(text: string): MachinesApiReason {
  if (/no capacity\W*$/i.test(text)) return 'capacity_region';
  if (/insufficient (cpus|memory|ips|resources)|could not reserve resource/i.test(text)) return 'capacity_host';
  return 'conflict';
}

/** True where an app that was made a moment ago has not got about yet: asked again in some seconds, the answer is another. */
export function isNotVisibleYet(error: unknown): boolean {
  if (failedWith(error, 'not_found')) return true;
  return failedWith(error, 'unavailable') && /no rows in result set/i.test(errorText(error.body));
}

function statusWord(body: unknown): string | null {
  if (typeof body !== 'object' || body === null) return null;
  const { status } = body as { status?: unknown };
  return typeof status === 'string' ? status : null;
}

/** The machine that already has the name, from the text of Fly's 409; null for any other conflict. */
export function conflictingMachineId(error: unknown): string | null {
  if (!failedWith(error, 'conflict')) return null;
  return /machine ID (\w+) already exists/i.exec(errorText(error.body))?.[1] ?? null;
}
