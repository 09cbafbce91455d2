import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

const KEPT_BYTES = 64 * 1024;

/**
 * A client's body on its way to a tenant. Nothing is read before somebody asks for it, so that a held body stays with the client; and while
 * no more than 64 kB were read it can be sent again, to a machine that is the right one.
 */
export class Upload {
  private kept: Buffer[] | null = [];
  private keptBytes = 0;
  private hasEnded = false;
  private body: Readable | null = null;

  /** `onBytes` is called for everything that arrives. */
  constructor(
    private readonly request: IncomingMessage,
    private readonly onBytes: () => void,
  ) {}

  /** True until more was read than is kept. */
  get canBeSentAgain(): boolean {
    return this.kept !== null;
  }

  /** The body from its beginning. One at a time: the last one is let go. */
  open(): Readable {
    this.close();
    const { request } = this;
    const body = new Readable({
      read: () => request.resume(),
      destroy: (error, done) => (this.detach(body), done(error)),
    });
    body.on('error', ignore); // who asked for the answer hears of it by the answer
    this.body = body;
    for (const chunk of this.kept ?? []) body.push(chunk);
    if (this.hasEnded) {
      body.push(null);
      return body;
    }
    request.on('data', this.onData).on('end', this.onEnd).on('close', this.onClose);
    request.pause();
    return body;
  }

  /** Lets go of the request: what was not read stays unread. */
  close(): void {
    this.body?.destroy();
    this.body = null;
  }

  private readonly onData = (chunk: Buffer): void => {
    this.onBytes();
    this.keep(chunk);
    if (!this.body?.push(chunk)) this.request.pause();
  };

  private readonly onEnd = (): void => {
    this.hasEnded = true;
    this.body?.push(null);
  };

  private readonly onClose = (): void => {
    if (!this.hasEnded) this.body?.destroy(new Error('The client left in the middle of its upload.'));
  };

  private keep(chunk: Buffer): void {
    if (this.kept === null) return;
    this.keptBytes += chunk.length;
    if (this.keptBytes > KEPT_BYTES) this.kept = null;
    else this.kept.push(chunk);
  }

  private detach(body: Readable): void {
    if (this.body !== body) return;
    this.request.off('data', this.onData).off('end', this.onEnd).off('close', this.onClose);
    this.request.pause();
  }
}

function ignore(): void {}
