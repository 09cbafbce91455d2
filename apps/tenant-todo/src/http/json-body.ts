import { DomainError } from '@app/common/errors/domain-error';
import type { IncomingMessage } from 'node:http';
import type { ErrorCode } from '../error-codes';

/** A description of 40,000 code units, each escaped as six bytes, and the rest around it. */
export const MAX_TEXT_BODY_BYTES = 512 * 1024;

/**
 * Reads a JSON body. Express's own parser brings 400 kB of charsets into every tenant's memory; JSON is UTF-8 (RFC 8259).
 * Throws `json_malformed`, `body_too_large` or `unsupported_media_type`; what is left of the body then is the caller's to drain.
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  assertNotEncoded(request);
  const bytes = await readBytes(request);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new DomainError<ErrorCode>('json_malformed', 'The body is not JSON in UTF-8.', { cause });
  }
}

/** Throws `unsupported_media_type`. */
export function assertNotEncoded({ headers }: IncomingMessage): void {
  if ((headers['content-encoding'] ?? 'identity') === 'identity') return;
  throw new DomainError<ErrorCode>('unsupported_media_type', 'Send the body as it is, without Content-Encoding.');
}

function readBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (finish: () => void) => {
      request.off('data', take).off('end', ended).off('error', failed).off('close', gone);
      finish();
    };
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_TEXT_BODY_BYTES) chunks.push(chunk);
      else settle(() => reject(bodyTooLarge()));
    };
    const ended = () => settle(() => resolve(Buffer.concat(chunks)));
    const failed = (cause: Error) => settle(() => reject(clientGone(cause)));
    const gone = () => settle(() => reject(clientGone()));
    request.on('data', take).on('end', ended).on('error', failed).on('close', gone);
  });
}

export function bodyTooLarge(): DomainError<ErrorCode> {
  return new DomainError('body_too_large', `The text of a request may be at most ${MAX_TEXT_BODY_BYTES} bytes.`);
}

/** Nobody reads this answer; the log line says that it was the client that ended. */
export function clientGone(cause?: unknown): DomainError<ErrorCode> {
  return new DomainError('json_malformed', 'The body ended before it was whole.', { cause });
}
