import { DomainError } from '@app/common/errors/domain-error';
import type { JSONParser } from '@streamparser/json' with { 'resolution-mode': 'import' };
import type { ErrorCode } from '../error-codes';
import { EXPORT_FORMAT, EXPORT_VERSION } from '../export/export-format';

/** More than the largest to-do takes: a picture of 5 MB in base64, and texts with each character escaped. */
const MAX_TODO_BYTES = 8 * 1024 * 1024;
/** Brackets, names, values and what stands between them; a to-do has some fifty. What is nested without end stops here. */
const MAX_TODO_TOKENS = 500;

/**
 * Reads the to-dos of an export one after the other, and never holds more of the body than one of them. `chunks` ends where the body
 * does. Throws `json_malformed` with the place, `body_too_large` for one to-do that cannot be one, and `validation_failed` for JSON that
 * is not such an export.
 */
export async function* readTodos(chunks: AsyncIterable<Buffer>): AsyncGenerator<unknown> {
  const parsing = await import('@streamparser/json'); // at the first import: a wake does not need it
  const paths = ['$.format', '$.version', '$.todos', '$.todos.*'];
  const reader = new Reader(new parsing.JSONParser({ paths }));
  for await (const chunk of chunks) yield* reader.read(chunk);
  reader.end();
}

class Reader {
  private readonly utf8 = new TextDecoder('utf-8', { fatal: true });
  private readonly head: Record<string, unknown> = {};
  private found: unknown[] = [];
  private count = 0;
  private bytes = 0;
  private bytesOfTodo = 0;
  private tokensOfTodo = 0;
  private failure: Error | undefined;

  constructor(private readonly parser: JSONParser) {
    this.parser.onToken = () => (this.tokensOfTodo += 1);
    this.parser.onValue = (element) => this.take(element);
    this.parser.onError = (error) => (this.failure ??= error);
    this.parser.onEnd = () => undefined;
  }

  read(chunk: Buffer): unknown[] {
    this.bytes += chunk.length;
    this.bytesOfTodo += chunk.length;
    this.assertUtf8(chunk);
    this.found = [];
    this.parser.write(chunk);
    if (this.failure) throw this.failure instanceof DomainError ? this.failure : this.malformed(this.failure);
    if (this.bytesOfTodo > MAX_TODO_BYTES || this.tokensOfTodo > MAX_TODO_TOKENS) {
      const message = 'This is larger than a to-do with its picture can be.';
      throw new DomainError<ErrorCode>('body_too_large', `${this.place()}: ${message}`, {
        fields: [{ field: this.place(), message }],
      });
    }
    return this.found;
  }

  end(): void {
    if (!this.parser.isEnded) throw this.malformed();
    const { format, version } = this.head;
    if (format !== EXPORT_FORMAT) throw refused('format', `\`format\` has to be "${EXPORT_FORMAT}".`);
    if (version !== EXPORT_VERSION) throw refused('version', `\`version\` has to be ${EXPORT_VERSION}.`);
    if (!Array.isArray(this.head.todos)) throw refused('todos', '`todos` has to be a list.');
  }

  private take({ value, key, stack, parent }: Parameters<JSONParser['onValue']>[0]): void {
    this.bytesOfTodo = 0;
    this.tokensOfTodo = 0;
    if (stack.length === 1) {
      this.head[String(key)] = value;
      return;
    }
    if (!Array.isArray(parent)) throw refused('todos', '`todos` has to be a list.');
    parent.length = 0; // the parser would keep them all
    this.found.push(value);
    this.count += 1;
  }

  private assertUtf8(chunk: Buffer): void {
    try {
      this.utf8.decode(chunk, { stream: true });
    } catch (cause) {
      throw new DomainError<ErrorCode>('json_malformed', `The body is not UTF-8, ${this.where()}.`, { cause });
    }
  }

  private malformed(cause?: Error): DomainError<ErrorCode> {
    const at = /absolute position "(\d+)"/.exec(cause?.message ?? '')?.[1] ?? String(this.bytes);
    const what = cause ? 'The body is not JSON from' : 'The body ends before it is whole, at';
    return new DomainError('json_malformed', `${what} byte ${at}, ${this.where()}.`, { cause });
  }

  private where(): string {
    return `after ${this.count} to-dos`;
  }

  private place(): string {
    return `todos.${this.count}`;
  }
}

function refused(field: string, message: string): DomainError<ErrorCode> {
  return new DomainError('validation_failed', `This is not an export of to-dos: ${message}`, {
    fields: [{ field, message }],
  });
}
