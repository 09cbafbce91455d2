import type { Locator, Page } from 'playwright-core';
import { until } from '../../support/until';
import { newTodoField } from './people';

/** The to-do by its title. */
export function itemOf(page: Page, title: string): Locator {
  return page.getByRole('listitem').filter({ has: checkOf(page, title) });
}

/** What checks it off and back. */
export function checkOf(page: Page | Locator, title: string): Locator {
  return page.getByRole('button', { name: `Done: ${title}`, exact: true });
}

/** Waits until these are listed, from the top, and nothing else. */
export async function lists(page: Page, ...titles: string[]): Promise<void> {
  let last = '';
  await until(
    async () => {
      // A page that is about to be another one cannot be read, and is asked again.
      last = JSON.stringify(await shownTitles(page).allTextContents().catch(String));
      return last === JSON.stringify(titles);
    },
    { what: () => `the list ${JSON.stringify(titles)}; last seen: ${last}`, pollMs: 50 },
  );
}

export function shownTitles(page: Page): Locator {
  return page.locator('.todo:visible .todo-title');
}

export async function addByForm(
  page: Page,
  title: string,
  more: { description?: string; picture?: { name: string; mimeType: string; buffer: Buffer } } = {},
): Promise<void> {
  const form = page.locator('form').filter({ has: newTodoField(page) });
  await newTodoField(page).fill(title);
  if (more.description !== undefined || more.picture) {
    const fields = form.getByRole('group');
    if ((await fields.getAttribute('open')) === null) await form.getByText('Description and picture').click();
    if (more.description !== undefined) await form.getByLabel('Description').fill(more.description);
    if (more.picture) await form.getByLabel('Picture', { exact: true }).setInputFiles(more.picture);
  }
  await form.getByRole('button', { name: 'Add', exact: true }).click();
}

/** Opens the form in the to-do's place. */
export async function openEditor(page: Page, title: string): Promise<Locator> {
  await page.getByRole('link', { name: `Edit: ${title}`, exact: true }).click();
  const editor = page.getByRole('form', { name: 'Edit the to-do' });
  await editor.waitFor();
  return editor;
}

/** One of the three filters, by what it says without the number. */
export function filterOf(page: Page, label: 'All' | 'Open' | 'Done'): Locator {
  return page.getByRole('navigation', { name: 'Filter' }).getByRole('link', { name: label });
}

/** Waits until the filters say these numbers. */
export async function counts(page: Page, numbers: { all: number; open: number; done: number }): Promise<void> {
  for (const [label, number] of [
    ['All', numbers.all],
    ['Open', numbers.open],
    ['Done', numbers.done],
  ] as const) {
    await filterOf(page, label)
      .and(page.getByRole('link', { name: `${label} ${number}`, exact: true }))
      .waitFor();
  }
}

export async function search(page: Page, text: string): Promise<void> {
  await page.getByRole('searchbox', { name: 'Search' }).fill(text);
  await page.keyboard.press('Enter');
}

/** The pictures in the list, once all of them are loaded, those too that wait until they come into view; the last one is in view then. */
export async function loadedPictures(page: Page): Promise<Locator[]> {
  const pictures = await page.locator('.todo img').all();
  for (const picture of pictures) {
    await picture.scrollIntoViewIfNeeded();
    await picture.evaluate('(image) => image.decode()');
  }
  return pictures;
}
