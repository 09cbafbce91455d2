import type { AddressInfo, Server } from 'node:net';

/** The address could not be taken; the message is a sentence for the person who started the program. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** Opens the port and gives the address that was bound. Throws `ListenError` where it is taken or not allowed. */
export async function listen(server: Server, port: number, host?: string): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(toListenError(error, port, host));
    server.once('error', failed);
    server.listen({ port, host }, () => {
      server.off('error', failed);
      resolve();
    });
  });
  return server.address() as AddressInfo; // a TCP server that listens: never null, never a path
}

/** Says in a sentence why a port could not be opened; other errors pass through. */
export function toListenError(error: NodeJS.ErrnoException, port: number, host?: string): Error {
  const where = host ? `${host}:${port}` : `port ${port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new ListenError(
        `Cannot listen on ${where}: another program has it. Stop that one, or set PORT to a free port.`,
        {
          cause: error,
        },
      );
    case 'EACCES':
      return new ListenError(`Cannot listen on ${where}: not allowed for this user. Set PORT to a port above 1023.`, {
        cause: error,
      });
    case 'EADDRNOTAVAIL':
      return new ListenError(`Cannot listen on ${where}: this machine has no such address.`, { cause: error });
    default:
      return error;
  }
}
