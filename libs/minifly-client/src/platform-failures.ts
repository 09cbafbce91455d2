import { MachinesApiError } from './errors';

/** Something bears the mark of another tenant, or none. */
export function notOurs(what: string, tenantId: string): MachinesApiError {
  return failure(`${what} does not bear the tenant id ${tenantId}.`, 422, 'name_taken');
}

export function missing(what: string): MachinesApiError {
  return failure(`${what} does not exist.`, 404, 'not_found');
}

/** In the words of a platform that refuses a machine for it. */
export function volumeMissing(id: string): MachinesApiError {
  return failure(`The volume ${id} not found: it is gone, or is being deleted.`, 412, 'precondition');
}

/** A volume that was mounted is only taken by who knows its id, and no empty one is made beside it. */
export function mayHoldData(id: string, body?: unknown): MachinesApiError {
  const text = `The volume ${id} was mounted before and may hold data, but was not named: no other is taken or made.`;
  return failure(text, 409, 'conflict', { body });
}

/** What a platform finds out by itself, in the words of a refusal: `status` 200 where every answer was well, 0 where none came. */
export function failure(
  message: string,
  status: number,
  reason: MachinesApiError['reason'],
  more: { body?: unknown; cause?: unknown } = {},
): MachinesApiError {
  return new MachinesApiError(message, { status, body: more.body ?? null, requestId: null, reason, cause: more.cause });
}
