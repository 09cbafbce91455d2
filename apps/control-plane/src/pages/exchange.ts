import type { Request, Response } from 'express';
import { contextOf, type SignedIn } from '../front-door/request-context';
import { unauthenticated } from '../front-door/signed-in.guard';

/** One request of a browser for a page, and its answer. */
export class Exchange {
  readonly requestId: string;
  private readonly leaving = new AbortController();

  constructor(
    readonly request: Request,
    readonly response: Response,
  ) {
    this.requestId = contextOf(request).requestId;
    response.on('close', () => this.leaving.abort());
  }

  /** Aborts when the browser has left, so that nothing goes on for nobody. */
  get signal(): AbortSignal {
    return this.leaving.signal;
  }

  get signedIn(): SignedIn | null {
    return contextOf(this.request).session;
  }

  /** Throws `unauthenticated`, which redirects to the login. */
  get session(): SignedIn {
    const { signedIn } = this;
    if (!signedIn) throw unauthenticated();
    return signedIn;
  }

  /** The client spoke HTTPS. */
  get isSecure(): boolean {
    return contextOf(this.request).isSecure;
  }

  /** Ends a post: the browser gets the page that shows the result, and a reload repeats nothing. */
  seeOther(path: string): void {
    this.response.redirect(303, path);
  }
}
