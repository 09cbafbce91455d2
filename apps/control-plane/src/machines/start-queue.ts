import { availableParallelism } from 'node:os';

/** Why a machine is started: for somebody whose request is held, or to provision. The former go first. */
export type StartPurpose = 'wake' | 'provision';

/** Starting costs a core for a while; this long at most does one that does not get ready keep the others waiting. */
const HELD_AT_MOST_MS = 5000;

/**
 * Lets a few machines start at once. A start that hangs gives its place up after five seconds, so that one tenant's broken machine
 * does not keep everybody else's asleep.
 */
export class StartQueue {
  private readonly waiting: Record<StartPurpose, (() => void)[]> = { wake: [], provision: [] };
  private starting = 0;

  constructor(private readonly atOnce: number = 2 * availableParallelism()) {}

  /** Resolves when it is this start's turn, to a function that ends the turn (repeatable). An aborted signal throws its reason. */
  async enter(purpose: StartPurpose, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.starting >= this.atOnce) await this.turn(purpose, signal);
    else this.starting += 1;
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      this.next();
    };
    const timer = setTimeout(end, HELD_AT_MOST_MS).unref();
    return end;
  }

  private turn(purpose: StartPurpose, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const line = this.waiting[purpose];
      const take = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        line.splice(line.indexOf(take), 1);
        reject(signal.reason as Error);
      };
      line.push(take);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** Hands the place on, or frees it. */
  private next(): void {
    const take = this.waiting.wake.shift() ?? this.waiting.provision.shift();
    if (take) take();
    else this.starting -= 1;
  }
}
