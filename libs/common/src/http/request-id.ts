import { randomUUID } from 'node:crypto';

const ACCEPTABLE = /^[\w-]{1,64}$/;

/** The client's own request id where it is harmless in a log line, else a new one. */
export function requestIdFrom(header: string | string[] | undefined): string {
  return typeof header === 'string' && ACCEPTABLE.test(header) ? header : randomUUID();
}
