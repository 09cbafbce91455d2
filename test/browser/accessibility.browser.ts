import type { Page } from 'playwright-core';
import { Client } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';
import { FlyFake } from '../support/fly-fake';
import { giveSession, givenAnApp, logInByForm, PASSWORD, sendSignUp } from './support/people';
import { photo } from './support/photos';
import { addByForm, openEditor } from './support/todo-list';
import { withUnreachableMachines } from './support/unreachable-machines';
import { useBrowser } from './support/use-browser';
import { violationsIn } from './support/violations';
import { sees } from './support/visitor';

const visitors = useBrowser();

/** WCAG 2.2 AA on every page, as far as axe can tell: light and dark, and the dashboard on a phone too. */
describe('accessible to WCAG 2.2 AA', () => {
  let plane: ControlPlane;
  let fly: FlyFake;
  let unlucky: Client; // has failed by the time that it is looked at
  beforeAll(async () => {
    plane = await ControlPlane.start({ LOGIN_LIMIT: '1' });
    fly = await FlyFake.start();
    unlucky = new Client(await withUnreachableMachines(fly, 5));
    await unlucky.signUp();
  });
  afterAll(async () => {
    await endAll();
    await fly.close();
  });

  it.each(['/', '/signup', '/login'])('%s', async (path) => {
    const { page } = await visitors.open(plane.url);
    await page.goto(path);
    expect(await violationsIn(page)).toEqual([]);
  });

  it('the sign-up and the login with what was wrong, too many tries, and a page that there is not', async () => {
    const visitor = await visitors.open(plane.url);
    const { page } = visitor;
    visitor.expects(/status of 4(01|04|22|29)/);
    await sendSignUp(page, { email: 'ada@example', password: 'password' });
    await sees(page.locator('#errors'));
    expect(await violationsIn(page)).toEqual([]);
    for (const said of [/password/, /Try again/i]) {
      await logInByForm(page, 'nobody@example.org');
      await sees(page.locator('#errors').getByText(said));
      expect(await violationsIn(page)).toEqual([]);
    }
    await page.goto('/nowhere');
    expect(await violationsIn(page)).toEqual([]);
  });

  it('the dashboard: empty, full, filtered, nothing found, being edited, with errors', async () => {
    const visitor = await visitors.open(plane.url);
    const { page } = visitor;
    const ada = await givenAnApp(visitor, plane);
    await page.goto('/dashboard');
    await sees(page.getByText('Nothing to do yet'));
    expect(await violationsIn(page)).toEqual([]);

    await ada.add('Plain');
    await ada.add('شراء الحليب والخبز', await photo(320, 240));
    const { id } = await ada.add('x'.repeat(200));
    await ada.json('PATCH', `/api/v1/todos/${id}`, { completed: true, description: 'y'.repeat(500) });
    for (const path of ['/dashboard', '/dashboard?filter=done', '/dashboard?q=nowhere']) {
      await page.goto(path);
      await sees(page.getByRole('navigation', { name: 'Filter' }));
      expect(await violationsIn(page)).toEqual([]);
    }
    await page.goto('/dashboard');
    await openEditor(page, 'شراء الحليب والخبز');
    expect(await violationsIn(page)).toEqual([]);

    await page.goto('/dashboard');
    visitor.expects(/status of 422/);
    await addByForm(page, 'z'.repeat(201), { description: 'kept' });
    await sees(page.getByText(/at most 200 characters/).first());
    expect(await violationsIn(page)).toEqual([]);

    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto('/dashboard');
    expect(await violationsIn(page)).toEqual([]);
  });

  it('the region pages, the account, and the deletion', async () => {
    const visitor = await visitors.open(plane.url);
    const { page } = visitor;
    await givenAnApp(visitor, plane);
    for (const path of ['/region/fra', '/region/syd', '/account']) {
      await page.goto(path);
      expect(await violationsIn(page)).toEqual([]);
    }
    await page.getByLabel('Name').fill('backup');
    await page.getByLabel(/^todos:read/).check();
    await page.getByRole('button', { name: 'Make the token' }).click();
    await sees(page.locator('code.secret'));
    expect(await violationsIn(page)).toEqual([]);
    const section = page.getByRole('region', { name: 'Change the password' });
    visitor.expects(/status of 4/);
    await section.getByLabel('Current password').fill('not the password');
    await section.getByLabel('New password').fill('short');
    await removeMinimum(page);
    await section.getByRole('button', { name: 'Change the password' }).click();
    await sees(section.locator('#errors'));
    expect(await violationsIn(page)).toEqual([]);

    await page.getByLabel('Your password, to confirm').fill(PASSWORD);
    await page.getByRole('button', { name: 'Delete everything' }).click();
    await sees(page.getByRole('heading', { name: 'Your account is deleted' }));
    expect(await violationsIn(page)).toEqual([]);
  });

  it('an app that is being set up', async () => {
    const { url } = await withUnreachableMachines(fly);
    const { page } = await visitors.open(url);
    await sendSignUp(page);
    await sees(page.getByRole('heading', { name: 'Setting up your app' }));
    expect(await violationsIn(page)).toEqual([]);
    await page.getByRole('link', { name: 'Region' }).click();
    await sees(page.getByText('Machine state'));
    expect(await violationsIn(page)).toEqual([]);
  });

  it('an app that could not be set up', async () => {
    const visitor = await visitors.open(unlucky.plane.url);
    const { page } = visitor;
    await giveSession(visitor, unlucky);
    await page.goto('/dashboard');
    await page.getByRole('heading', { name: 'Your app could not be set up' }).waitFor({ timeout: 40_000 });
    expect(await violationsIn(page)).toEqual([]);
    await page.getByRole('link', { name: 'Region' }).click();
    await sees(page.getByText('Machine state'));
    expect(await violationsIn(page)).toEqual([]);
  });

  it('is what the pages are found to be because they are: what is wrong is found', async () => {
    const { page } = await visitors.open(plane.url);
    await page.goto('/login');
    await page.evaluate(`{
      document.querySelector('label').remove();
      document.querySelector('.hint, .aside').style.color = '#888';
    }`);
    const violations = await violationsIn(page);
    expect(violations.filter((one) => one.startsWith('light: label '))).toHaveLength(1);
    expect(violations.filter((one) => one.startsWith('dark: label '))).toHaveLength(1);
    expect(violations.filter((one) => one.startsWith('light: color-contrast '))).toHaveLength(1);
  });
});

/** So that the server is what refuses. */
async function removeMinimum(page: Page): Promise<void> {
  await page.evaluate(
    `for (const input of document.querySelectorAll('[minlength]')) input.removeAttribute('minlength')`,
  );
}
