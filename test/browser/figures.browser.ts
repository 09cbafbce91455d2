import { writeSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { Client } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';
import { median } from '../support/median';
import { photo } from './support/photos';
import { giveSession, newTodoField } from './support/people';
import { loadedPictures } from './support/todo-list';
import { countTraffic, type Traffic } from './support/traffic';
import { useBrowser } from './support/use-browser';
import { sees } from './support/visitor';

const visitors = useBrowser();
const ROUNDS = 7;
const SERVER_ROUNDS = 31;

/** What docs/PERFORMANCE.md says of the pages; `npm run bench:pages` runs this alone, so that nothing else has the machine. */
describe('the dashboard with 100 to-dos and 20 pictures', () => {
  let plane: ControlPlane;
  let ada: Client;
  let pictureBytes = 0;

  beforeAll(async () => {
    plane = await ControlPlane.start({ LOG_LEVEL: 'warn' });
    ada = await Client.withApp(plane);
    for (let n = 100; n > 0; n -= 1) {
      // On every other of the newest forty; of the size that a phone's picture has after it was made smaller.
      const picture = n <= 40 && n % 2 === 1 ? await photo(1600, 1200, n * 3) : undefined;
      pictureBytes += picture?.length ?? 0;
      await ada.add(`To-do number ${n}, with as many words as they have on average`, picture);
    }
  }, 120_000);
  afterAll(endAll);

  it('in the browser: requests, bytes, first paint, last picture', async () => {
    const loads: Load[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const visitor = await visitors.open(plane.url);
      await giveSession(visitor, ada);
      const load = await loadDashboard(visitor.page);
      if (round > 0) loads.push(load); // the first one warms up: the tenant has thumbnails to make
    }
    const [first] = loads as [Load];
    print('the dashboard, nothing in the browser’s cache', [
      ['to-dos on the page', `${first.todos}`],
      ['requests until nothing is to come', `${first.atFirst.requests}`],
      ['bytes, as sent and unpacked', bytesOf(first.atFirst)],
      ['first contentful paint', ms(loads.map(({ paintMs }) => paintMs))],
      ['last picture in reach of the window', ms(loads.map(({ lastPictureMs }) => lastPictureMs))],
      ['requests after scrolling through all', `${first.afterAll.requests}`],
      ['bytes after scrolling through all', bytesOf(first.afterAll)],
      ['bytes of the 20 pictures themselves', kilobytes(pictureBytes)],
    ]);
    expect(first.pictures).toBe(20);
    // Page, style, icon, scripts, stream, and the pictures: each once.
    expect(first.afterAll.requests).toBeLessThanOrEqual(20 + 15);
    expect(first.afterAll.requests - first.atFirst.requests).toBeGreaterThan(0);
  });

  it('at the server: each page against the plain API call', async () => {
    const calls = {
      'GET /api/v1/todos?limit=100': ['/api/v1/todos?limit=100', 'application/json'],
      'GET /dashboard': ['/dashboard', 'text/html'],
      'GET /region/fra': ['/region/fra', 'text/html'],
      'GET /account': ['/account', 'text/html'],
      'GET /api/v1/me': ['/api/v1/me', 'application/json'],
    } as const;
    const times = new Map<string, number[]>(Object.keys(calls).map((name) => [name, []]));
    for (let round = 0; round < SERVER_ROUNDS + 5; round += 1) {
      for (const [name, [path, accept]] of Object.entries(calls)) {
        const started = performance.now();
        const response = await ada.fetch(path, { headers: { accept } });
        await response.arrayBuffer();
        expect(response.status).toBe(200);
        if (round >= 5) times.get(name)?.push(performance.now() - started);
      }
    }
    const api = median(times.get('GET /api/v1/todos?limit=100') ?? []);
    print(
      'from the request to the last byte, one at a time',
      [...times].map(([name, taken]) => [name, `${ms(taken)}, ${(median(taken) / api).toFixed(1)} times the list`]),
    );
    expect(times.size).toBe(5);
  });
});

interface Load {
  atFirst: Traffic;
  afterAll: Traffic;
  todos: number;
  pictures: number;
  paintMs: number;
  lastPictureMs: number;
}

async function loadDashboard(page: Page): Promise<Load> {
  const traffic = await countTraffic(page);
  await page.goto('/dashboard');
  await sees(newTodoField(page));
  await settles(traffic);
  const atFirst = traffic();
  const [paintMs, lastPictureMs] = await page.evaluate<[number, number]>(`[
    performance.getEntriesByName('first-contentful-paint')[0].startTime,
    Math.max(...performance.getEntriesByType('resource').filter((one) => one.initiatorType === 'img').map((one) => one.responseEnd)),
  ]`);
  const pictures = await loadedPictures(page);
  await settles(traffic);
  return {
    atFirst,
    afterAll: traffic(),
    todos: await page.locator('.todo').count(),
    pictures: pictures.length,
    paintMs,
    lastPictureMs,
  };
}

/** Waits until nothing has come for a while: a page with an open stream is never idle. */
async function settles(traffic: () => Traffic): Promise<void> {
  for (let last = ''; last !== JSON.stringify(traffic());) {
    last = JSON.stringify(traffic());
    await new Promise((done) => setTimeout(done, 300));
  }
}

function ms(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  return `${median(sorted).toFixed(1)} ms (${sorted[0]?.toFixed(1)} to ${sorted.at(-1)?.toFixed(1)})`;
}

function bytesOf({ encodedBytes, decodedBytes }: Traffic): string {
  return `${kilobytes(encodedBytes)} and ${kilobytes(decodedBytes)}`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

/** Past Jest's own console, which would put a stack at each line. */
function print(title: string, rows: readonly (readonly [string, string])[]): void {
  writeSync(
    1,
    `\n| ${title} | |\n| --- | --- |\n${rows.map(([name, value]) => `| ${name} | ${value} |\n`).join('')}\n`,
  );
}
