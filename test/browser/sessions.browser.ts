import { ControlPlane, endAll } from '../support/control-plane';
import { givenAnApp, logInByForm, newTodoField, PASSWORD } from './support/people';
import { addByForm } from './support/todo-list';
import { useBrowser } from './support/use-browser';
import { sees, seesNoMore, type Visitor } from './support/visitor';

const visitors = useBrowser();
const PHONE = { width: 390, height: 844 };
const FIREFOX = 'Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0';

describe.each([
  ['without script', false],
  ['with script', true],
])('sessions, %s', (_, javaScriptEnabled) => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await ControlPlane.start();
  });
  afterAll(endAll);

  /** Ada at her desk, and logged in on her phone as well, the dashboard open there. */
  async function atDeskAndPhone(): Promise<{ desk: Visitor; phone: Visitor; email: string }> {
    const desk = await visitors.open(plane.url, { javaScriptEnabled });
    const { email } = await givenAnApp(desk, plane);
    const phone = await visitors.open(plane.url, { javaScriptEnabled, viewport: PHONE, userAgent: FIREFOX });
    await logInByForm(phone.page, email);
    await sees(newTodoField(phone.page));
    return { desk, phone, email };
  }

  it('one that is revoked in another browser ends: its next action leads to the login', async () => {
    const { desk, phone, email } = await atDeskAndPhone();
    await desk.page.goto('/account');
    const session = desk.page.getByRole('listitem').filter({ hasText: 'Firefox' });
    phone.allows(/status of 401/); // what its page asks by itself
    await session.getByRole('button', { name: /^Log out: / }).click();
    await sees(desk.page.getByText('The session has ended.'));
    await seesNoMore(session);

    await addByForm(phone.page, 'Too late');
    await sees(phone.page.getByRole('heading', { level: 1, name: 'Log in' }));
    await logInByForm(phone.page, email);
    await sees(phone.page.getByText('Nothing to do yet'));
    await desk.page.goto('/dashboard');
    await sees(newTodoField(desk.page));
  });

  it('a new password ends the others, and is the one to log in with from then on', async () => {
    const { desk, phone, email } = await atDeskAndPhone();
    const password = 'another horse battery';
    await desk.page.goto('/account');
    const section = desk.page.getByRole('region', { name: 'Change the password' });
    desk.expects(/status of 403/);
    await section.getByLabel('Current password').fill('not the password');
    await section.getByLabel('New password').fill(password);
    await section.getByRole('button', { name: 'Change the password' }).click();
    await sees(section.locator('#errors:focus'));

    phone.allows(/status of 401/);
    await section.getByLabel('Current password').fill(PASSWORD);
    await section.getByLabel('New password').fill(password);
    await section.getByRole('button', { name: 'Change the password' }).click();
    await sees(section.getByText('The password is changed.'));
    await seesNoMore(desk.page.getByRole('listitem').filter({ hasText: 'Firefox' }));

    await phone.page.goto('/dashboard');
    phone.expects(/status of 401/);
    await logInByForm(phone.page, email);
    await sees(phone.page.locator('#errors'));
    await logInByForm(phone.page, email, password);
    await sees(newTodoField(phone.page));
  });

  it('an API token is shown once, works, and ends when it is revoked', async () => {
    const visitor = await visitors.open(plane.url, { javaScriptEnabled });
    await givenAnApp(visitor, plane);
    const { page } = visitor;
    await page.goto('/account');
    await page.getByLabel('Name').fill('the nightly backup');
    await page.getByLabel(/^todos:read/).check();
    await page.getByRole('button', { name: 'Make the token' }).click();
    const token = (await page.locator('code.secret').textContent()) ?? '';
    const ask = async () =>
      (await fetch(`${plane.url}/api/v1/todos`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await ask()).toBe(200);
    await page.reload();
    expect(await page.content()).not.toContain(token);
    await page.getByRole('button', { name: 'Revoke: the nightly backup' }).click();
    await sees(page.getByText('The token is revoked.'));
    expect(await ask()).toBe(401);
  });
});
