import { ControlPlane, endAll } from '../support/control-plane';
import { logInByForm, newEmail, newTodoField, PASSWORD, signUpByForm } from './support/people';
import { photoFile } from './support/photos';
import { addByForm, checkOf, counts, filterOf, itemOf, lists, openEditor, search } from './support/todo-list';
import { useBrowser } from './support/use-browser';
import { sees, seesNoMore } from './support/visitor';

const visitors = useBrowser();

describe.each([
  ['without script', false],
  ['with script', true],
])('the whole way of somebody with a to-do list, %s', (_, javaScriptEnabled) => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await ControlPlane.start();
  });
  afterAll(endAll);

  it('signs up with a region, keeps to-dos and a picture, logs out and in again', async () => {
    const { page } = await visitors.open(plane.url, { javaScriptEnabled });
    const email = newEmail();
    await page.goto('/');
    await page.getByRole('link', { name: 'Sign up' }).first().click();
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.locator('select[name=region]').selectOption('syd');
    await page.getByRole('button', { name: 'Sign up' }).click();

    // The steps, however short, and the list in their place by itself.
    await sees(newTodoField(page));
    expect(new URL(page.url()).pathname).toBe('/dashboard');
    await sees(page.getByText('Nothing to do yet'));

    await addByForm(page, 'Buy <milk>');
    await lists(page, 'Buy <milk>');
    await addByForm(page, 'Water the plants', { description: 'the ones\non the balcony', picture: await photoFile() });
    await lists(page, 'Water the plants', 'Buy <milk>');
    await sees(itemOf(page, 'Water the plants').getByText('on the balcony'));
    await counts(page, { all: 2, open: 2, done: 0 });

    const editor = await openEditor(page, 'Buy <milk>');
    await editor.getByLabel('Title').fill('Buy oat milk');
    await editor.getByLabel('Description').fill('two of them');
    await editor.getByRole('button', { name: 'Save' }).click();
    await lists(page, 'Water the plants', 'Buy oat milk');
    await sees(itemOf(page, 'Buy oat milk').getByText('two of them'));

    await checkOf(page, 'Buy oat milk').click();
    await counts(page, { all: 2, open: 1, done: 1 });
    await filterOf(page, 'Open').click();
    await lists(page, 'Water the plants');
    await filterOf(page, 'Done').click();
    await lists(page, 'Buy oat milk');
    await checkOf(page, 'Buy oat milk').click();
    await lists(page);
    await sees(page.getByText('Nothing done yet'));
    await filterOf(page, 'All').click();
    await lists(page, 'Water the plants', 'Buy oat milk');

    await search(page, 'BALCONY');
    await lists(page, 'Water the plants');
    await search(page, 'nowhere');
    await sees(page.getByText('Nothing found'));
    await search(page, '');
    await lists(page, 'Water the plants', 'Buy oat milk');

    await page.getByRole('button', { name: 'Log out' }).click();
    await sees(page.getByRole('heading', { name: 'A to-do list that is yours alone' }));
    await page.goto('/dashboard');
    expect(new URL(page.url()).pathname).toBe('/login');
    await logInByForm(page, email);
    await lists(page, 'Water the plants', 'Buy oat milk');

    await page.getByRole('button', { name: 'Delete: Water the plants' }).click();
    await lists(page, 'Buy oat milk');
    await page.reload();
    await lists(page, 'Buy oat milk');
  });

  it('shows a picture in the list and whole, another one in its place, and none', async () => {
    const { page } = await visitors.open(plane.url, { javaScriptEnabled });
    await signUpByForm(page, newEmail());
    await addByForm(page, 'A view', { picture: await photoFile(640, 480, 200) });
    const picture = itemOf(page, 'A view').locator('img');
    await sees(picture);
    const whole = await picture.locator('xpath=ancestor::a').getAttribute('href');
    const response = await page.request.get(whole ?? '');
    expect([response.status(), response.headers()['content-type']]).toEqual([200, 'image/jpeg']);
    expect(await response.body()).toEqual((await photoFile(640, 480, 200)).buffer);

    await openEditor(page, 'A view');
    const form = page.getByRole('form', { name: 'Picture' });
    const another = await photoFile(320, 240, 20);
    await form.getByLabel('Another picture').setInputFiles(another);
    await form.getByRole('button', { name: 'Replace the picture' }).click();
    await sees(picture);
    expect(await (await page.request.get(whole ?? '')).body()).toEqual(another.buffer);

    await openEditor(page, 'A view');
    await page.getByRole('button', { name: 'Remove the picture' }).click();
    await seesNoMore(page.getByRole('form', { name: 'Picture' }));
    await seesNoMore(picture);
    expect((await page.request.get(whole ?? '')).status()).toBe(404);
  });

  it('says what was wrong with a form, keeps what was typed and takes the focus there', async () => {
    const visitor = await visitors.open(plane.url, { javaScriptEnabled });
    const { page } = visitor;
    await page.goto('/signup');
    await page.getByLabel('E-mail').fill('ada@example');
    await page.getByLabel('Password').fill('password');
    await page.locator('select[name=region]').selectOption('lax');
    visitor.expects(/status of 422/);
    await page.getByRole('button', { name: 'Sign up' }).click();
    await sees(page.locator('#errors:focus').getByRole('link', { name: /^E-mail:/ }));
    await page.getByRole('link', { name: /^E-mail:/ }).click();
    await sees(page.locator('#email:focus'));
    expect(await page.getByLabel('E-mail').inputValue()).toBe('ada@example');
    expect(await page.getByLabel('Password').inputValue()).toBe('');
    expect(await page.locator('select[name=region]').inputValue()).toBe('lax');
  });

  it('shows where the app is, and that it is nowhere else', async () => {
    const { page } = await visitors.open(plane.url, { javaScriptEnabled });
    await signUpByForm(page, newEmail(), 'sin');
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Region' }).click();
    await sees(page.getByRole('heading', { level: 1, name: /^Singapore/ }));
    await sees(page.getByText(/todo-user-[0-9a-f]{8}/));
    await sees(page.getByText('Hear from it that it is ready'));
    await page.goto('/region/fra');
    await sees(page.getByText('You have no app in this region.'));
    await page
      .getByRole('link', { name: /^Singapore/ })
      .first()
      .click();
    await page.getByRole('link', { name: 'Go to your to-dos' }).click();
    await sees(newTodoField(page));
  });

  it('deletes the account with its password, and says when it is done', async () => {
    const visitor = await visitors.open(plane.url, { javaScriptEnabled });
    const { page } = visitor;
    const email = newEmail();
    await signUpByForm(page, email);
    await page.goto('/account');
    const section = page.getByRole('region', { name: 'Delete the account' });
    await sees(section.getByText(email));
    await section.getByLabel('Your password, to confirm').fill('not the password');
    visitor.expects(/status of 403/);
    await section.getByRole('button', { name: 'Delete everything' }).click();
    await sees(section.locator('#errors:focus'));
    await section.getByLabel('Your password, to confirm').fill(PASSWORD);
    await section.getByRole('button', { name: 'Delete everything' }).click();
    await sees(page.getByRole('heading', { name: 'Your account is deleted' }));
    visitor.expects(/status of 401/);
    await logInByForm(page, email);
    await sees(page.locator('#errors'));
  });
});
