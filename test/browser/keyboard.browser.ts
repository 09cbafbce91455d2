import type { Page } from 'playwright-core';
import { ControlPlane, endAll } from '../support/control-plane';
import { until } from '../support/until';
import { newEmail, newTodoField, PASSWORD } from './support/people';
import { lists } from './support/todo-list';
import { useBrowser } from './support/use-browser';
import { sees } from './support/visitor';

const visitors = useBrowser();

describe.each([
  ['without script', false],
  ['with script', true],
])('by keyboard alone, %s', (_, javaScriptEnabled) => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await ControlPlane.start();
  });
  afterAll(endAll);

  it('signs up, writes a to-do, logs out, fails at the login once and logs in', async () => {
    const visitor = await visitors.open(plane.url, { javaScriptEnabled });
    const { page } = visitor;
    const email = newEmail();
    await page.goto('/');
    await page.keyboard.press('Tab');
    expect(await focusName(page)).toBe('Skip to the content');
    await tabTo(page, 'Sign up');
    await page.keyboard.press('Enter');
    await sees(page.getByRole('heading', { level: 1, name: 'Sign up' }));

    await tabTo(page, 'E-mail');
    await page.keyboard.type(email);
    await tabTo(page, 'Password');
    await page.keyboard.type(PASSWORD);
    await tabTo(page, 'Region');
    await page.keyboard.type('Tok');
    await page.keyboard.press('Enter'); // as from a field, or to close what it opened
    if (new URL(page.url()).pathname === '/signup') {
      await tabTo(page, 'Sign up');
      await page.keyboard.press('Enter');
    }
    await sees(newTodoField(page));
    await sees(page.getByText(/Tokyo/).first());

    await tabTo(page, 'New to-do');
    await page.keyboard.type('Written by keyboard');
    await page.keyboard.press('Enter');
    await lists(page, 'Written by keyboard');
    await tabTo(page, 'Log out');
    await page.keyboard.press('Enter');
    await sees(page.getByRole('heading', { name: 'A to-do list that is yours alone' }));

    await tabTo(page, 'Log in');
    await page.keyboard.press('Enter');
    await sees(page.getByRole('heading', { level: 1, name: 'Log in' }));
    await tabTo(page, 'E-mail');
    await page.keyboard.type(email);
    await tabTo(page, 'Password');
    await page.keyboard.type('not the password');
    visitor.expects(/status of 401/);
    await page.keyboard.press('Enter');
    await sees(page.locator('#errors:focus')); // said, and from here the fields come next
    await tabTo(page, 'Password');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await lists(page, 'Written by keyboard');
  });
});

describe('the focus', () => {
  afterAll(endAll);

  it('is seen on each thing that can have it', async () => {
    const plane = await ControlPlane.start();
    const { page } = await visitors.open(plane.url);
    for (const path of ['/', '/login', '/signup']) {
      await page.goto(path);
      const outlines = new Map<string, string>();
      for (;;) {
        await page.keyboard.press('Tab');
        const name = await focusName(page);
        if (name === '' || outlines.has(name)) break;
        outlines.set(name, await page.evaluate<string>('getComputedStyle(document.activeElement).outline'));
      }
      expect(outlines.size).toBeGreaterThan(3);
      for (const [name, outline] of outlines) {
        expect(`${path} ${name}: ${outline}`).toMatch(/ solid [2-9]/);
      }
    }
  });
});

/** What the focused element is called. */
function focusName(page: Page): Promise<string> {
  return page.evaluate<string>(`(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return '';
    return (element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent).trim();
  })()`);
}

/** Presses Tab until the element of that name has the focus; round the page once at most. */
async function tabTo(page: Page, name: string): Promise<void> {
  const seen: string[] = [];
  await until(
    async () => {
      await page.keyboard.press('Tab');
      seen.push(await focusName(page));
      if (seen.length > 60) throw new Error(`Tab does not lead to “${name}”, but to ${seen.join(', ')}`);
      return seen.at(-1) === name;
    },
    { what: () => `the focus on “${name}”; it went to ${seen.join(', ')}` },
  );
}
