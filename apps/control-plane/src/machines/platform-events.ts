import { EventEmitter } from 'node:events';

/** What a platform tells by itself, whichever it is. One that tells nothing is looked at each minute. */
export class PlatformEvents {
  private readonly events = new EventEmitter();

  /** The platform was away and is back: machines may have stopped meanwhile, and what could not be asked can be asked now. */
  announceReturn(): void {
    this.events.emit('return');
  }

  /** Calls `listener` at each return until the given function is called. */
  onReturn(listener: () => void): () => void {
    this.events.on('return', listener);
    return () => this.events.off('return', listener);
  }
}
