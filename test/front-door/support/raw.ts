import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  status: number;
  headers: Map<string, string>;
  body: string;
  raw: string;
}

/** Longer than a busy machine takes to begin an answer. */
const FIRST_BYTE_MS = 5000;

/** Sends bytes as they are and reads until the other side hangs up, or until nothing more came for `quietMs`. */
export async function exchange(port: number, bytes: string, quietMs = 400): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes, 'latin1');
  return parse(await everything(socket, quietMs, FIRST_BYTE_MS));
}

/** A request with the headers that every valid one needs; lines are added as they are. */
export function head(method: string, path: string, lines: string[] = [], cookie = 'session=alice'): string {
  const all = ['Host: localhost', 'Connection: close', ...(cookie ? [`Cookie: ${cookie}`] : []), ...lines];
  return `${method} ${path} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n`;
}

export function everything(socket: Socket, quietMs: number, firstByteMs = quietMs): Promise<string> {
  return new Promise((resolve) => {
    let raw = '';
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(raw);
    };
    let timer = setTimeout(done, firstByteMs);
    socket.on('data', (chunk) => {
      raw += chunk.toString('latin1');
      clearTimeout(timer);
      timer = setTimeout(done, quietMs);
    });
    socket.on('error', () => undefined);
    socket.on('close', done);
  });
}

export function parse(raw: string): RawAnswer {
  const [top = '', ...rest] = raw.split('\r\n\r\n');
  const [line = '', ...lines] = top.split('\r\n');
  const headers = new Map(
    lines.map((header) => {
      const colon = header.indexOf(':');
      return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()];
    }),
  );
  return { status: Number(line.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n'), raw };
}
