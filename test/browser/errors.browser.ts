import { ControlPlane, endAll } from '../support/control-plane';
import { FlyFake } from '../support/fly-fake';
import { givenAnApp, logInByForm, newTodoField, PASSWORD, sendSignUp } from './support/people';
import { addByForm, itemOf, lists, openEditor } from './support/todo-list';
import { useBrowser } from './support/use-browser';
import { withUnreachableMachines } from './support/unreachable-machines';
import { sees } from './support/visitor';

const visitors = useBrowser();

describe.each([
  ['without script', false],
  ['with script', true],
])('errors as somebody sees them, %s', (_, javaScriptEnabled) => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await ControlPlane.start({ LOGIN_LIMIT: '2', SIGNUP_LIMIT: '20' });
  });
  afterAll(endAll);

  it('a page that there is not: 404 with a request id, and the way back', async () => {
    const visitor = await visitors.open(plane.url, { javaScriptEnabled });
    const { page } = visitor;
    visitor.expects(/status of 404/);
    const response = await page.goto('/nowhere');
    const id = response?.headers()['x-request-id'] ?? '';
    expect(id).not.toBe('');
    await sees(page.getByText(id));
    await page.getByRole('link', { name: 'Go to the start' }).click();
    await sees(page.getByRole('heading', { name: 'A to-do list that is yours alone' }));
  });

  it('a wrong password: said at the form; too many: said when to try again', async () => {
    const visitor = await visitors.open(plane.url, { javaScriptEnabled });
    const { page } = visitor;
    const { email } = await givenAnApp(visitor, plane);
    await page.context().clearCookies();
    visitor.expects(/status of 401/);
    for (let i = 0; i < 2; i += 1) {
      await logInByForm(page, email, 'not the password');
      await sees(page.locator('#errors:focus'));
      expect(await page.getByLabel('E-mail').inputValue()).toBe(email);
    }
    visitor.expects(/status of 429/);
    await logInByForm(page, email, PASSWORD);
    await sees(page.locator('#errors:focus').getByText(/Try again/i));
  });

  it('a to-do that is gone, and one that somebody else changed meanwhile', async () => {
    const visitor = await visitors.open(plane.url, { javaScriptEnabled });
    const { page } = visitor;
    const ada = await givenAnApp(visitor, plane);
    const { id } = await ada.add('Contested');
    await page.goto('/dashboard');
    const editor = await openEditor(page, 'Contested');
    await ada.json('PATCH', `/api/v1/todos/${id}`, { title: 'Theirs' });
    await editor.getByLabel('Title').fill('Mine');
    visitor.expects(/status of 412/);
    await editor.getByRole('button', { name: 'Save' }).click();
    await sees(page.getByText('As it is now:'));
    await sees(page.getByText('Theirs', { exact: true }).first());
    await page.getByRole('button', { name: 'Save' }).click();
    await lists(page, 'Mine');

    const again = await openEditor(page, 'Mine');
    await ada.fetch(`/api/v1/todos/${id}`, { method: 'DELETE' });
    await again.getByLabel('Title').fill('Too late');
    visitor.expects(/status of 404/);
    await again.getByRole('button', { name: 'Save' }).click();
    await sees(page.getByRole('alert').first());
    await page.goto('/dashboard');
    await lists(page);
  });

  it('a title that is too long, and a file that is no picture: said where it was typed, which is kept', async () => {
    const visitor = await visitors.open(plane.url, { javaScriptEnabled });
    const { page } = visitor;
    await givenAnApp(visitor, plane);
    await page.goto('/dashboard');
    visitor.expects(/status of 422/);
    await addByForm(page, 'x'.repeat(201), { description: 'kept' });
    await sees(page.getByText(/A title may have at most 200 characters/).first());
    expect(await newTodoField(page).inputValue()).toBe('x'.repeat(201));

    await page.goto('/dashboard');
    visitor.allows(/status of 4(15|22)/);
    const text = { name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('no picture') };
    await addByForm(page, 'With a file', { picture: text });
    await sees(page.getByRole('alert').first());
    expect(await newTodoField(page).inputValue()).toBe('With a file');
    await page.goto('/dashboard');
    await lists(page);
    expect(await itemOf(page, 'With a file').count()).toBe(0);
  });
});

describe.each([
  ['without script', false],
  ['with script', true],
])('an app that cannot be set up, %s', (_, javaScriptEnabled) => {
  let fly: FlyFake;
  beforeAll(async () => {
    fly = await FlyFake.start();
  });
  afterAll(async () => {
    await endAll();
    await fly.close();
  });

  it('shows the step under way, then by itself the reason and a way to try again', async () => {
    const plane = await withUnreachableMachines(fly, 5);
    const { page } = await visitors.open(plane.url, { javaScriptEnabled });
    await sendSignUp(page);
    await sees(page.getByRole('heading', { name: 'Setting up your app' }));
    await sees(page.getByRole('listitem').filter({ hasText: 'Hear from it that it is ready' }).getByText('under way'));
    // The deadline, and three tries that came to nothing.
    await page.getByRole('heading', { name: 'Your app could not be set up' }).waitFor({ timeout: 40_000 });
    await sees(page.getByText('Reason:'));
    await page.getByRole('button', { name: 'Try again' }).click();
    await sees(page.getByRole('heading', { name: 'Setting up your app' }));
  });
});
