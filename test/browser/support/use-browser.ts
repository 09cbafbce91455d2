import type { Browser, BrowserContextOptions } from 'playwright-core';
import { artefact, fileNameOf } from './artefacts';
import { launchChromium } from './chromium';
import { Visitor } from './visitor';

const DESK = { width: 1280, height: 800 };
const PATIENCE_MS = 15_000;

/** What opens browsers for the tests of a file. */
export interface Visitors {
  /**
   * Somebody with cookies of their own, at the desk where nothing else is said; `page.goto` takes paths of `url`.
   * At the end of the test what their pages show is kept as a picture, and nothing may have gone wrong in them.
   */
  open(url: string, options?: BrowserContextOptions): Promise<Visitor>;
}

/** One Chromium for the file, launched before its tests and closed after them. Call it at the top of the file. */
export function useBrowser(): Visitors {
  let browser: Browser;
  let visitors: Visitor[] = [];

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterEach(async () => {
    const ended = visitors;
    visitors = [];
    const name = fileNameOf(expect.getState().currentTestName ?? '');
    for (const [index, visitor] of ended.entries()) await keepLastLook(visitor, `${name}-${index + 1}`);
    await Promise.all(ended.map(({ context }) => context.close()));
    expect(ended.flatMap((visitor) => visitor.complaints())).toEqual([]);
  });

  afterAll(() => browser.close());

  return {
    async open(url, options = {}) {
      const context = await browser.newContext({ baseURL: url, viewport: DESK, locale: 'en-GB', ...options });
      context.setDefaultTimeout(PATIENCE_MS);
      const visitor = new Visitor(context, await context.newPage());
      visitors.push(visitor);
      return visitor;
    },
  };
}

async function keepLastLook({ context }: Visitor, name: string): Promise<void> {
  for (const [index, page] of context.pages().entries()) {
    await page.waitForLoadState();
    await page.screenshot({ path: artefact(`${name}${index > 0 ? `-tab-${index + 1}` : ''}.png`) });
  }
}
