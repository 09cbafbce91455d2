import { randomUUID } from 'node:crypto';
import type { Locator, Page } from 'playwright-core';
import { Client } from '../../support/client';
import type { ControlPlane } from '../../support/control-plane';
import { sees, type Visitor } from './visitor';

export const PASSWORD = 'correct horse battery';

/** An address that nobody has. */
export function newEmail(): string {
  return `${randomUUID()}@example.org`;
}

/** Signs up by the form and stays until the list is there. */
export async function signUpByForm(page: Page, email: string, region = 'fra'): Promise<void> {
  await sendSignUp(page, { email, region });
  await sees(newTodoField(page));
}

/** Fills the form in and sends it; what comes of it is for the caller to see. Without a `region` it is the one that is proposed. */
export async function sendSignUp(
  page: Page,
  { email = newEmail(), password = PASSWORD, region }: { email?: string; password?: string; region?: string } = {},
): Promise<void> {
  await page.goto('/signup');
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  if (region !== undefined) await page.locator('select[name=region]').selectOption(region);
  await page.getByRole('button', { name: 'Sign up' }).click();
}

export async function logInByForm(page: Page, email: string, password = PASSWORD): Promise<void> {
  await page.goto('/login');
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

/** Somebody new with an app, made through the API, whose session the browser then has. The client can do the rest by API. */
export async function givenAnApp({ context }: Visitor, plane: ControlPlane): Promise<Client> {
  const client = await Client.withApp(plane);
  await giveSession({ context }, client);
  return client;
}

/** The browser gets the client's session. */
export async function giveSession({ context }: Pick<Visitor, 'context'>, { cookie, plane }: Client): Promise<void> {
  const [name = '', value = ''] = cookie.split('=');
  await context.addCookies([{ name, value, url: plane.url, httpOnly: true, sameSite: 'Lax' }]);
}

export function newTodoField(page: Page): Locator {
  return page.getByRole('textbox', { name: 'New to-do' });
}
