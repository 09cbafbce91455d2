import type { IncomingMessage } from 'node:http';
import { ApiError, invalid } from './api-error';

const MAX_BODY_BYTES = 1024 * 1024;

/**
 * The request's JSON, undefined without a body. 415 for another media type, which is all that a page of another site can send
 * unasked; 413 over a megabyte; 400 where it is no JSON.
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const announced = request.headers['content-length'];
  const isEmpty = announced === '0' || (announced === undefined && request.headers['transfer-encoding'] === undefined);
  if (isEmpty) return undefined;
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
    throw new ApiError(415, 'Expected request with `Content-Type: application/json`');
  }
  const text = await readText(request);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw invalid('the body is not valid JSON');
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new ApiError(413, `the body is over ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
