import type { BrowserContext, Locator, Page } from 'playwright-core';

/** Somebody at a browser of their own: one context, one page or more, and a note of everything that went wrong in them. */
export class Visitor {
  private readonly problems: string[] = [];
  private readonly expected: { pattern: RegExp; isSure: boolean; came: boolean }[] = [];

  constructor(
    readonly context: BrowserContext,
    readonly page: Page,
  ) {
    context.on('page', (opened) => this.watch(opened));
    this.watch(page);
  }

  /** The console will say this at least once, and that is right so: a browser notes each answer of 400 and above. */
  expects(pattern: RegExp): void {
    this.expected.push({ pattern, isSure: true, came: false });
  }

  /** The console may say this. */
  allows(pattern: RegExp): void {
    this.expected.push({ pattern, isSure: false, came: false });
  }

  /** What went wrong and was not expected, and what was expected and did not come. */
  complaints(): string[] {
    const unexpected = this.problems.filter((problem) => {
      const known = this.expected.filter(({ pattern }) => pattern.test(problem));
      for (const one of known) one.came = true;
      return known.length === 0;
    });
    const missed = this.expected.filter(({ isSure, came }) => isSure && !came);
    return [...unexpected, ...missed.map(({ pattern }) => `did not come: ${pattern}`)];
  }

  private watch(page: Page): void {
    page.on('pageerror', (error) => this.problems.push(`threw: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      this.problems.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText ?? 'no reason';
      // A page that is left ends its streams and the pictures that it still waits for.
      if (reason !== 'net::ERR_ABORTED') this.problems.push(`request: ${request.url()} ${reason}`);
    });
  }
}

/** Waits until it is visible. */
export function sees(locator: Locator): Promise<void> {
  return locator.waitFor({ state: 'visible' });
}

/** Waits until it is hidden or not there. */
export function seesNoMore(locator: Locator): Promise<void> {
  return locator.waitFor({ state: 'hidden' });
}
