import { failedWith, MachinesApiError } from '@app/minifly-client/errors';

/**
 * True when the platform was not reached, did not work, or would not talk to us (rate, our own token): nothing is known then, and
 * nothing may change. An answer that says something about this tenant, also that its machine ended, is not that.
 */
export function couldNotAsk(error: unknown): boolean {
  if (error instanceof DOMException) return error.name === 'TimeoutError';
  if (failedWith(error, 'rate_limited', 'timeout')) return true;
  if (failedWith(error, 'unauthorized')) return error.status === 401;
  return failedWith(error, 'unavailable') && (error.status === 0 || error.status >= 500);
}

/** A short code and a sentence of whatever went wrong on the platform, for the row and the page. */
export function describePlatformError(error: unknown): { code: string; detail: string } {
  if (couldNotAsk(error)) return { code: 'platform_unavailable', detail: messageOf(error) };
  if (isVolumeMissing(error)) return { code: 'volume_missing', detail: messageOf(error) };
  if (failedWith(error, 'unavailable')) return { code: 'machine_ended', detail: messageOf(error) };
  if (error instanceof MachinesApiError) return { code: error.reason, detail: error.message };
  return { code: 'internal_error', detail: 'Something unexpected went wrong; the log has the details.' };
}

/** A start that was refused because the machine's volume is not there. */
export function isVolumeMissing(error: unknown): boolean {
  return failedWith(error, 'precondition') && /volume (\S+ )?not found/i.test(error.message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
