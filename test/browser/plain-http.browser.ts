import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ControlPlane, endAll } from '../support/control-plane';
import { newEmail, newTodoField, signUpByForm } from './support/people';
import { photoFile } from './support/photos';
import { addByForm, itemOf, lists } from './support/todo-list';
import { useBrowser } from './support/use-browser';
import { sees } from './support/visitor';

const visitors = useBrowser();
/** What Chromium notes of two of our headers, which count over HTTPS and on localhost alone. */
const NOTES = /Cross-Origin-Opener-Policy header has been ignored|could not be origin-keyed/;

/** A name that is not localhost is no secure context: no Sec-Fetch headers, no Secure cookies, no crypto.randomUUID. */
describe.each([
  ['without script', false],
  ['with script', true],
])('over plain HTTP under a name of its own, %s', (_, javaScriptEnabled) => {
  let plane: ControlPlane;
  let url: string;
  beforeAll(async () => {
    plane = await ControlPlane.start();
    url = plane.url.replace('127.0.0.1', 'app.example');
  });
  afterAll(endAll);

  it('signs up, keeps to-dos with pictures, and logs out', async () => {
    const visitor = await visitors.open(url, { javaScriptEnabled });
    visitor.allows(NOTES);
    const { page, context } = visitor;
    await signUpByForm(page, newEmail());
    expect(page.url()).toMatch(/^http:\/\/app\.example:\d+\/dashboard/);
    expect(await page.evaluate('isSecureContext')).toBe(false);
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({
      name: 'session',
      domain: 'app.example',
      httpOnly: true,
      secure: false,
      sameSite: 'Lax',
    });

    await addByForm(page, 'By name', { picture: await photoFile() });
    await lists(page, 'By name');
    await sees(itemOf(page, 'By name').locator('img'));
    await page.getByRole('button', { name: 'Delete: By name' }).click();
    await lists(page);
    await page.getByRole('button', { name: 'Log out' }).click();
    await sees(page.getByRole('heading', { name: 'A to-do list that is yours alone' }));
  });

  it('refuses what a page of another site posts, and stays logged in', async () => {
    const site = await otherSite(`<form method="post" action="${url}/logout"><button>Win a prize</button></form>`);
    const visitor = await visitors.open(url, { javaScriptEnabled });
    visitor.allows(NOTES);
    const { page } = visitor;
    await signUpByForm(page, newEmail());
    await page.goto(`http://elsewhere.example:${site.port}/`);
    visitor.expects(/status of 403/);
    await page.getByRole('button', { name: 'Win a prize' }).click();
    await sees(page.getByText('403'));
    await page.goto('/dashboard');
    await sees(newTodoField(page));
    site.server.close();
  });
});

async function otherSite(html: string): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(request.url === '/' ? `<!doctype html><link rel="icon" href="data:,">${html}` : '');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port }; // it listens on TCP
}
