import type * as express from 'express';

/**
 * Sets the headers of a picture and answers 304 where the client has it already; false then, and nothing more is to be sent. Opened by
 * itself it is a picture and nothing more.
 */
export function beginPicture(
  request: express.Request,
  response: express.Response,
  headers: { ETag: string; 'Content-Type': string; 'Content-Disposition'?: string },
): boolean {
  response.set({
    ...headers,
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'Cross-Origin-Resource-Policy': 'same-origin',
  });
  if (!request.fresh) return true;
  response.status(304).end();
  return false;
}
