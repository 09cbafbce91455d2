import { copyFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { Client } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';
import { artefact } from './support/artefacts';
import { giveSession, newTodoField } from './support/people';
import { photo } from './support/photos';
import { loadedPictures, openEditor } from './support/todo-list';
import { useBrowser } from './support/use-browser';
import { sees } from './support/visitor';

const visitors = useBrowser();

const SIZES: Record<string, BrowserContextOptions> = {
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true },
  'phone-dark': { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
  desk: { viewport: { width: 1280, height: 800 } },
  'desk-dark': { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  // What a window of 1280 points is at 200 %.
  'desk-zoomed': { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
};

/** Pictures of every page, to look at; what a program can see of them is that nothing is cut off and nothing needs scrolling sideways. */
describe('how it looks', () => {
  let plane: ControlPlane;
  let empty: Client;
  let usual: Client;
  let extreme: Client;

  beforeAll(async () => {
    plane = await ControlPlane.start();
    [empty, usual, extreme] = (await Promise.all([0, 1, 2].map(() => Client.withApp(plane)))) as [
      Client,
      Client,
      Client,
    ];
    for (let n = 96; n > 0; n -= 1) await usual.add(`To-do number ${n}`);
    await usual.add('Plan the weekend', await photo(640, 480, 200));
    await usual.add('Call the plumber about the kitchen');
    const { id } = await usual.add('Water the plants', await photo(640, 480, 95));
    await usual.json('PATCH', `/api/v1/todos/${id}`, { description: 'The ones on the balcony, too.' });
    await usual.json('PATCH', `/api/v1/todos/${(await usual.add('Buy oat milk')).id}`, { completed: true });

    await extreme.add('W'.repeat(200));
    await extreme.add('הזמינו כרטיסים לרכבת: Berlin → Wien, 14:30');
    await extreme.add('اتصل بالسباك بخصوص المطبخ', await photo(4000, 3000, 20));
    await extreme.add('A picture that is wide and low', await photo(2400, 120, 300));
    const long = await extreme.add('A description of many lines');
    const description = `${'Line after line.\n'.repeat(12)}${'https://example.org/'.padEnd(300, 'x')}`;
    await extreme.json('PATCH', `/api/v1/todos/${long.id}`, { description });
  });
  afterAll(endAll);

  describe.each(Object.entries(SIZES))('%s', (size, options) => {
    const shows = async (page: Page, name: string) => {
      await page.evaluate('document.fonts.ready');
      await page.screenshot({ path: artefact(`look-${size}-${name}.png`), fullPage: true, animations: 'disabled' });
      const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      expect([name, await page.evaluate(overflow)]).toEqual([name, 0]);
    };

    it('fits for who is not signed in', async () => {
      const { page } = await visitors.open(plane.url, options);
      for (const path of ['/', '/signup', '/login']) {
        await page.goto(path);
        await shows(page, path.slice(1) || 'landing');
      }
    });

    it('fits with an empty list, a hundred to-dos, and what is hard to fit', async () => {
      const visitor = await visitors.open(plane.url, options);
      const { page } = visitor;
      for (const [name, client] of Object.entries({ empty, usual, extreme })) {
        await giveSession(visitor, client);
        await page.goto('/dashboard');
        await sees(newTodoField(page));
        await loadedPictures(page);
        await page.evaluate('scrollTo(0, 0)');
        await shows(page, `dashboard-${name}`);
      }
      await openEditor(page, 'W'.repeat(200));
      await shows(page, 'dashboard-editing');
    });

    it('fits at the region, the account, and an error', async () => {
      const visitor = await visitors.open(plane.url, options);
      const { page } = visitor;
      await giveSession(visitor, usual);
      visitor.expects(/status of 404/);
      for (const path of ['/region/fra', '/account', '/nowhere']) {
        await page.goto(path);
        await shows(page, path.split('/')[1] ?? '');
      }
    });
  });

  // README_PICTURE=1 puts it in docs/, where it is tracked.
  it('makes the picture of the README', async () => {
    const visitor = await visitors.open(plane.url, { viewport: { width: 1000, height: 720 } });
    const { page } = visitor;
    await giveSession(visitor, usual);
    await page.goto('/dashboard');
    await loadedPictures(page);
    await page.evaluate('scrollTo(0, 0)');
    const file = artefact('dashboard.png');
    await page.screenshot({ path: file, animations: 'disabled' });
    if (process.env.README_PICTURE) copyFileSync(file, resolve(__dirname, '../../docs/dashboard.png'));
  });
});
