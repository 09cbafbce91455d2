import {
  answerOf,
  apiToken,
  emptyList,
  listOf,
  problemAnswer,
  session,
  tenantStatus,
  TestPages,
  todo,
} from '../../../../test/support/pages';
import { silentLog, START } from '../../../../test/support/accounts';
import { ControlPlaneError } from '../error-codes';
import { Assets } from './assets';

const TENANT_ID = '11111111-2222-4333-8444-555555555555';
const HOSTILE = `<script>alert(1)</script>"><img src=x onerror='x'>`;
const unreachable = new ControlPlaneError('tenant_busy', 'Your app does not answer.', { retryAfterSeconds: 7 });

describe('the pages', () => {
  let pages: TestPages;
  beforeEach(async () => {
    pages = await TestPages.open();
  });
  afterEach(() => pages.close());

  describe('for who is not signed in', () => {
    beforeEach(() => {
      pages.isSignedIn = false;
    });

    it('say what this is, and lead to sign-up and login', async () => {
      const { text } = await pages.get('/').expect(200);
      expect(text).toContain('href="/signup"');
      expect(text).toContain('href="/login"');
      expect(text).not.toContain('Log out');
    });

    it.each(['/dashboard', '/region/fra', '/account'])('%s leads to the login', async (path) => {
      await pages.get(path).expect(303).expect('Location', '/login');
    });

    it('sign up with a cookie and a redirect, in a region that is offered', async () => {
      const form = await pages.get('/signup').expect(200);
      expect(form.text.match(/<option value="\w+"/g)).toEqual(['<option value="fra"', '<option value="syd"']);
      pages.accounts.signUp.mockResolvedValue({ user: {}, cookie: { value: 'secret-id', maxAgeSeconds: 60 } });
      const fields = { email: 'ada@example.org', password: 'correct horse', region: 'syd' };
      const response = await pages.post('/signup', fields).expect(303).expect('Location', '/dashboard');
      expect(response.headers['set-cookie']).toEqual([expect.stringMatching(/^session=secret-id;.*HttpOnly/)]);
      expect(pages.accounts.signUp).toHaveBeenCalledWith(fields, expect.objectContaining({ address: '192.0.2.1' }));
    });

    it('show a refused sign-up again with what was typed, its errors and no password', async () => {
      const fields = { email: 'ada"@', password: 'short77', region: 'syd' };
      const { text } = await pages.post('/signup', fields).expect(422);
      expect(text).toContain('value="ada&quot;@"');
      expect(text).toContain('aria-describedby="email-error"');
      expect(text).toContain('<option value="syd" selected>');
      expect(text).toMatch(/id="errors" role="alert" tabindex="-1" autofocus/);
      expect(text).not.toContain('short77');
      expect(pages.accounts.signUp).not.toHaveBeenCalled();
    });

    it('keep the status and the wait of a refusal', async () => {
      const fields = { email: 'ada@example.org', password: 'correct horse', region: 'fra' };
      pages.accounts.signUp.mockRejectedValueOnce(
        new ControlPlaneError('email_taken', 'Taken.', { fields: [{ field: 'email', message: 'Taken.' }] }),
      );
      expect((await pages.post('/signup', fields).expect(409)).text).toContain('E-mail: Taken.');
      pages.accounts.signUp.mockRejectedValueOnce(
        new ControlPlaneError('too_many_attempts', 'Too many.', { retryAfterSeconds: 90 }),
      );
      await pages.post('/signup', fields).expect(429).expect('Retry-After', '90');
    });

    it('log in with a redirect, and show a wrong password as 401 with the e-mail kept', async () => {
      const fields = { email: 'ada@example.org', password: 'correct horse' };
      pages.accounts.checkLogin.mockResolvedValueOnce({ id: 'user-1' });
      pages.accounts.logIn.mockResolvedValueOnce({ value: 'secret-id', maxAgeSeconds: 60 });
      await pages.post('/login', fields).expect(303).expect('Location', '/dashboard');

      pages.accounts.checkLogin.mockRejectedValueOnce(new ControlPlaneError('wrong_credentials', 'It is wrong.'));
      const { text } = await pages.post('/login', fields).expect(401);
      expect(text).toContain('It is wrong.');
      expect(text).toContain('value="ada@example.org"');
      expect(text).not.toContain('correct horse');

      expect((await pages.post('/login', { email: '', password: '' }).expect(422)).text).toContain('email-error');
    });

    it('say when a deleted account is gone, to who has the address that the deletion gave', async () => {
      const address = `/account/deleted/${pages.proofs.of(TENANT_ID)}`;
      pages.tenants.findDeletion.mockResolvedValueOnce({ requestedAt: START, endedAt: null, lastError: 'No answer.' });
      const underWay = (await pages.get(address).expect(200)).text;
      expect(underWay).toContain('Your account is being deleted');
      expect(underWay).toContain('<meta http-equiv="refresh" content="2">');
      expect(underWay).toContain('is tried again: No answer.');
      expect(underWay).not.toContain('<noscript>');

      pages.tenants.findDeletion.mockResolvedValueOnce({
        requestedAt: START,
        endedAt: START + 60_000,
        lastError: null,
      });
      const done = (await pages.get(address).expect(200)).text;
      expect(done).toContain('Your account is deleted');
      expect(done).toContain('Jan 5, 2026, 10:01 UTC');
      expect(done).not.toContain('http-equiv');
      expect(pages.tenants.findDeletion.mock.calls).toEqual([[TENANT_ID], [TENANT_ID]]);
    });

    it('say nothing of a deletion to who guesses its address', async () => {
      const right = pages.proofs.of(TENANT_ID);
      const other = pages.proofs.of(TENANT_ID.replace('1', '2'));
      const guesses = [TENANT_ID, `${TENANT_ID}.`, `${TENANT_ID}.${other.slice(37)}`, `${right}0`, right.slice(0, -1)];
      for (const guess of guesses) await pages.get(`/account/deleted/${guess}`).expect(404);
      await pages.get('/account/deleted').expect(404);
      expect(pages.tenants.findDeletion).not.toHaveBeenCalled();
      await pages.get(`/account/deleted/${right}`).expect(404); // nothing was deleted
    });
  });

  it.each(['/', '/login', '/signup'])('%s leads who is signed in to the dashboard', async (path) => {
    await pages.get(path).expect(303).expect('Location', '/dashboard');
  });

  it('log out with a cookie that is gone and a session that has ended', async () => {
    const response = await pages.post('/logout').expect(303).expect('Location', '/');
    expect(pages.sessions.end).toHaveBeenCalledWith('hash');
    expect(response.headers['set-cookie']).toEqual([expect.stringContaining('Max-Age=0')]);
  });

  describe('the dashboard', () => {
    it('shows the list as text, whatever is in it, and is not kept by the browser', async () => {
      const hostile = todo({
        title: HOSTILE,
        description: HOSTILE,
        image: { mimeType: 'image/png', bytes: 1, sha256: 'x' },
      });
      pages.answer = (call) =>
        answerOf(200, call.path === '/todos/todo-1' ? hostile : listOf(hostile), { etag: `"${HOSTILE}"` });
      for (const path of ['/dashboard', '/dashboard?edit=todo-1', `/dashboard?q=${encodeURIComponent(HOSTILE)}`]) {
        const { text } = await pages.get(path).expect(200).expect('Cache-Control', 'no-store');
        expect(text).not.toContain('<script>');
        expect(text).not.toContain('<img src=x');
        expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&gt;');
      }
    });

    it('asks the tenant for what the query says', async () => {
      await pages.get('/dashboard?filter=done&q=a%20b&cursor=c').expect(200);
      expect(pages.calls.map(({ method, path }) => [method, path])).toEqual([
        ['GET', '/todos?filter=done&q=a+b&cursor=c'],
      ]);
    });

    it('keeps the lines of a description in the form that edits it', async () => {
      const lines = todo({ description: '\nfirst\n  second' });
      pages.answer = (call) => answerOf(200, call.path === '/todos/todo-1' ? lines : listOf(lines));
      const { text } = await pages.get('/dashboard?edit=todo-1').expect(200);
      expect(text).toContain('>\n\nfirst\n  second</textarea>');
    });

    it('shows the steps of an app that is not there yet, and asks the tenant nothing', async () => {
      const steps = [{ name: 'app' as const, status: 'running' as const, at: null }];
      pages.status = tenantStatus('provisioning', { progress: { kind: 'provision', step: 'app', steps, error: null } });
      const { text } = await pages.get('/dashboard').expect(200);
      expect(text).toContain('data-step="app" data-status="running"');
      expect(text).toContain('<noscript><meta http-equiv="refresh" content="1"></noscript>');
      expect(pages.calls).toEqual([]);
    });

    it('shows why an app failed, with a button to try again, and no more looking by itself', async () => {
      const error = { code: 'volume_missing', detail: 'The volume is gone.', at: '' };
      pages.status = tenantStatus('failed', { progress: { kind: 'provision', step: 'app', steps: [], error } });
      const { text } = await pages.get('/dashboard').expect(200);
      expect(text).toContain('The volume is gone.');
      expect(text).toContain('volume_missing');
      expect(text).toContain('action="/tenant/retry"');
      expect(text).not.toContain('http-equiv="refresh"');
      await pages.post('/tenant/retry').expect(303).expect('Location', '/dashboard');
      expect(pages.tenants.retry).toHaveBeenCalledWith('user-1', expect.any(Number));
      pages.tenants.retry.mockRejectedValueOnce(new ControlPlaneError('retry_not_possible', 'Nothing to retry.'));
      await pages.post('/tenant/retry').expect(303);
    });

    it('says with 503 that the tenant cannot be reached, and offers to try again', async () => {
      pages.answer = () => Promise.reject(unreachable);
      const { text } = await pages.get('/dashboard?filter=open').expect(503).expect('Retry-After', '7');
      expect(text).toContain('Your app does not answer.');
      expect(text).toContain('href="/dashboard?filter&#x3D;open">Try again');
      expect(text).toContain('request-1');
    });

    it('leads back to the start of the list from a place in it that there is not', async () => {
      pages.answer = () => problemAnswer(400, 'cursor_invalid');
      const { text } = await pages.get('/dashboard?cursor=x').expect(400);
      expect(text).toContain('Sentence of cursor_invalid.');
      expect(text).toContain('href="/dashboard">Try again');
    });

    it('lets go of the tenant when the browser leaves, and takes it for no failure', async () => {
      const asked = new Promise<AbortSignal>((resolve) => {
        pages.answer = ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
            resolve(signal);
          });
      });
      const failed = jest.spyOn(silentLog, 'error');
      const visit = pages.get('/dashboard');
      visit.catch(() => undefined);
      const signal = await asked;
      visit.abort();
      await new Promise((resolve) => (signal.aborted ? resolve(null) : signal.addEventListener('abort', resolve)));
      await new Promise(setImmediate);
      expect(failed).not.toHaveBeenCalled();
      failed.mockRestore();
    });

    it('shows a failure nobody foresaw as an error page that says nothing of it', async () => {
      pages.answer = () => Promise.reject(new Error('secret detail'));
      const { text } = await pages.get('/dashboard').expect(500);
      expect(text).toContain('<h1>Internal Server Error</h1>');
      expect(text).toContain('request-1');
      expect(text).not.toContain('secret detail');
    });
  });

  describe('the forms of the dashboard', () => {
    it('stream a multipart form on untouched, under the key of its address', async () => {
      let received = '';
      pages.answer = async (call) => {
        if (call.method === 'POST') for await (const chunk of call.stream?.body ?? []) received += String(chunk);
        return answerOf(201, todo({ id: 'new-1' }));
      };
      await pages
        .postMultipart('/todos?key=k1&filter=done', { title: 'With a picture' }, Buffer.from('picture bytes'))
        .expect(303)
        .expect('Location', '/dashboard#todo-new-1');
      expect(received).toContain('With a picture');
      expect(received).toContain('picture bytes');
      expect(pages.calls[0]).toMatchObject({ method: 'POST', path: '/todos', headers: { 'idempotency-key': 'k1' } });
    });

    it('show a refused to-do again with what the tenant gives back of it, and a new key', async () => {
      const refusal = problemAnswer(413, 'image_too_large', { input: { title: HOSTILE, description: 'kept' } });
      pages.answer = (call) => (call.method === 'POST' ? refusal : answerOf(200, emptyList()));
      const { text } = await pages.postMultipart('/todos?key=k1', { title: 'x' }).expect(413);
      expect(text).toContain('value="&lt;script&gt;alert(1)');
      expect(text).toContain('>\nkept</textarea>');
      expect(text).toMatch(/id="new-image-error">Sentence of image_too_large\./);
      expect(text).toMatch(/<details open>/);
      expect(text).toMatch(/action="\/todos\?key(=|&#x3D;)[0-9a-f-]{36}"/);
    });

    it('send the fields of an urlencoded form as JSON, and no other', async () => {
      pages.answer = () => answerOf(201, todo());
      await pages.post('/todos', { title: 'a', description: 'b', extra: 'c' }).expect(303);
      expect(pages.calls[0]?.json).toEqual({ title: 'a', description: 'b' });
    });

    it('keep what was typed when the tenant is not reached, and do not wait for it a second time', async () => {
      pages.answer = () => Promise.reject(unreachable);
      const { text } = await pages.post('/todos', { title: 'typed' }).expect(503);
      expect(text).toContain('value="typed"');
      expect(pages.calls).toHaveLength(1);
    });

    it('say where what was typed is, when it was streamed and the tenant not reached', async () => {
      pages.answer = () => Promise.reject(unreachable);
      const { text } = await pages.postMultipart('/todos', { title: 'typed' }).expect(503);
      expect(text).toContain('Go back one page');
    });

    it('lead to the list where the address of a refused form is opened again', async () => {
      await pages.get('/todos?key=k1&filter=open').expect(303).expect('Location', '/dashboard?filter=open');
      await pages.get('/todos/todo-1/toggle').expect(303).expect('Location', '/dashboard');
    });

    it('edit under the ETag that the form was opened with', async () => {
      pages.answer = () => answerOf(200, todo());
      await pages
        .post('/todos/todo-1?filter=open', { title: 'new', description: '', etag: '"db.1"' })
        .expect(303)
        .expect('Location', '/dashboard?filter=open#todo-todo-1');
      expect(pages.calls[0]).toMatchObject({
        method: 'PATCH',
        path: '/todos/todo-1',
        json: { title: 'new', description: '' },
        headers: { 'if-match': '"db.1"' },
      });
    });

    it('show both texts where somebody changed it meanwhile, ready to be saved again', async () => {
      const theirs = todo({ title: 'Theirs' });
      pages.answer = (call) => {
        if (call.method === 'PATCH') return problemAnswer(412, 'precondition_failed', { input: { title: 'Mine' } });
        return answerOf(200, call.path === '/todos/todo-1' ? theirs : listOf(theirs), { etag: '"db.2"' });
      };
      const { text } = await pages.post('/todos/todo-1', { title: 'Mine', etag: '"db.1"' }).expect(412);
      expect(text).toContain('value="Mine"');
      expect(text).toContain('>Theirs</p>');
      expect(text).toContain('name="etag" value="&quot;db.2&quot;"');
    });

    it('toggle to what the form says, or to the other of what it is', async () => {
      pages.answer = () => answerOf(200, todo({ completed: true }));
      await pages.post('/todos/todo-1/toggle', { completed: 'true' }).expect(303);
      await pages.post('/todos/todo-1/toggle').expect(303);
      expect(pages.calls.map(({ method, json }) => [method, json])).toEqual([
        ['PATCH', { completed: true }],
        ['GET', undefined],
        ['PATCH', { completed: false }],
      ]);
    });

    it('delete, and put and remove a picture', async () => {
      pages.answer = (call) => answerOf(call.method === 'PUT' ? 200 : 204, todo());
      await pages.post('/todos/todo-1/delete?q=milk').expect(303).expect('Location', '/dashboard?q=milk');
      await pages.postMultipart('/todos/todo-1/image', {}, Buffer.from('x')).expect(303);
      await pages.post('/todos/todo-1/image/delete').expect(303).expect('Location', '/dashboard#todo-todo-1');
      expect(pages.calls.map(({ method, path }) => [method, path])).toEqual([
        ['DELETE', '/todos/todo-1'],
        ['PUT', '/todos/todo-1/image'],
        ['DELETE', '/todos/todo-1/image'],
      ]);
    });

    it('show a refused picture in the to-do that it was for', async () => {
      pages.answer = (call) => {
        if (call.method === 'PUT') return problemAnswer(415, 'image_type_unsupported');
        return answerOf(200, call.path === '/todos/todo-1' ? todo() : listOf(todo()));
      };
      const { text } = await pages.postMultipart('/todos/todo-1/image', {}, Buffer.from('x')).expect(415);
      expect(text).toContain('id="edit-image-error">Sentence of image_type_unsupported.');
    });

    it('say above the list that a to-do is not there', async () => {
      pages.answer = (call) =>
        call.method === 'GET' ? answerOf(200, emptyList()) : problemAnswer(404, 'todo_not_found');
      const { text } = await pages.post('/todos/not-mine/delete').expect(404);
      expect(text).toContain('Sentence of todo_not_found.');
    });

    it('never let an id reach the tenant that could be another path', async () => {
      await pages.post('/todos/..%2fme/delete').expect(404);
      expect(pages.calls).toEqual([]);
    });
  });

  describe('a region', () => {
    it('shows the app there, and of another that there is none', async () => {
      const here = await pages.get('/region/fra').expect(200);
      expect(here.text).toContain('todo-user-12345678');
      expect(here.text).toContain('m1');
      const elsewhere = await pages.get('/region/nrt').expect(200);
      expect(elsewhere.text).toContain('You have no app in this region.');
      expect(elsewhere.text).not.toContain('todo-user-12345678');
      expect(elsewhere.text.match(/href="\/region\/\w+"/g)).toHaveLength(9 + 2); // all nine, in the navigation, where the app is
    });

    it('that there is not is 404', async () => {
      const { text } = await pages.get('/region/xyz').expect(404);
      expect(text).toContain('There is no region by that name.');
    });
  });

  describe('the account', () => {
    it('names what would be destroyed, and asks for the password', async () => {
      const { text } = await pages.get('/account').expect(200);
      for (const named of ['ada@example.org', 'todo-user-12345678', 'Frankfurt, Germany'])
        expect(text).toContain(named);
      pages.accounts.deleteAccount.mockRejectedValueOnce(
        new ControlPlaneError('wrong_password', 'No.', { fields: [{ field: 'password', message: 'No.' }] }),
      );
      const refused = await pages.post('/account', { action: 'delete', password: 'guess77' }).expect(403);
      expect(refused.text).toContain('id="password-error">No.');
      expect(refused.text).not.toContain('guess77');
    });

    it('is deleted with its password, and the session with it', async () => {
      pages.accounts.deleteAccount.mockResolvedValueOnce(undefined);
      const response = await pages.post('/account', { action: 'delete', password: 'correct horse' }).expect(303);
      expect(response.headers.location).toBe(`/account/deleted/${pages.proofs.of('user-1')}`);
      expect(response.headers['set-cookie']).toEqual([expect.stringContaining('Max-Age=0')]);
      expect(pages.accounts.deleteAccount).toHaveBeenCalledWith('user-1', 'correct horse', '192.0.2.1');
    });

    it('is never deleted by a form that does not say so', async () => {
      for (const action of ['', 'constructor']) await pages.post('/account', { action, password: 'x' }).expect(400);
      expect(pages.accounts.deleteAccount).not.toHaveBeenCalled();
    });

    it('gets another password, says so once, and gives no password back', async () => {
      const change = { action: 'password', current: 'old horse', new: 'new horse battery' };
      const short = await pages.post('/account', { ...change, new: 'short-é' }).expect(422);
      expect(short.text).toContain('id="change-new-error">Use at least 8 characters.');
      expect(short.text).toContain('New password: Use at least 8 characters.');
      pages.accounts.changePassword.mockRejectedValueOnce(
        new ControlPlaneError('wrong_password', 'No.', { fields: [{ field: 'current', message: 'No.' }] }),
      );
      const refused = await pages.post('/account', change).expect(403);
      expect(refused.text).toContain('id="change-current-error">No.');
      for (const { text } of [short, refused]) expect(text).not.toMatch(/old horse|new horse|short-é/);

      expect((await pages.post('/account', change).expect(303)).headers.location).toBe('/account');
      expect(pages.accounts.changePassword).toHaveBeenLastCalledWith(
        expect.objectContaining({ userId: 'user-1', sessionHash: 'hash' }),
        { current: 'old horse', new: 'new horse battery' },
        '192.0.2.1',
      );
      expect((await pages.get('/account')).text).toContain('The password is changed.');
      expect((await pages.get('/account')).text).not.toContain('The password is changed.');
    });

    it('lists its sessions and ends one, all others, or its own', async () => {
      const all = [session({ idHash: `${'f'.repeat(32)}rest`, userAgent: 'curl/8.5.0' }), session({ idHash: 'hash' })];
      pages.sessions.list.mockResolvedValue(all);
      const { text } = await pages.get('/account');
      expect(text).toMatch(/Firefox on Linux <span class="pill good">this one<.*<p class="row-title">curl</s);
      expect(text).toContain(`name="id" value="${'f'.repeat(32)}"`);
      expect(text).toContain('value="revoke-others"');
      expect(text).not.toContain('rest"');

      await pages.post('/account', { action: 'revoke-session', id: 'f'.repeat(32) }).expect(303);
      expect(pages.sessions.revoke).toHaveBeenCalledWith('user-1', 'f'.repeat(32));
      expect((await pages.get('/account')).text).toContain('The session has ended.');
      await pages.post('/account', { action: 'revoke-others' }).expect(303);
      expect(pages.sessions.endingOthers).toHaveBeenCalledWith('user-1', 'hash');

      const own = await pages.post('/account', { action: 'revoke-session', id: 'hash' }).expect(303);
      expect(own.headers.location).toBe('/');
      expect(own.headers['set-cookie']).toEqual([expect.stringContaining('Max-Age=0')]);

      pages.sessions.revoke.mockImplementationOnce(() => {
        throw new ControlPlaneError('not_found', 'It has ended.');
      });
      const gone = await pages.post('/account', { action: 'revoke-session', id: 'x' }).expect(404);
      expect(gone.text).toMatch(/id="sessions".*id="errors".*It has ended\./s);
      pages.sessions.list.mockResolvedValue([session({ idHash: 'hash' })]);
      expect((await pages.get('/account')).text).not.toContain('value="revoke-others"');
    });

    it('shows a new token once, in no URL, and makes no second one when it is loaded again', async () => {
      pages.tokens.create.mockReturnValueOnce({ token: 'todo_pat_0123', row: apiToken({ name: 'a <script>' }) });
      const fields = { action: 'create-token', name: ' a script ', expiresInDays: '30' };
      const made = await pages.post('/account', { ...fields, scope: ['todos:read', 'todos:write'] }).expect(303);
      expect(made.headers.location).toBe('/account');
      expect(pages.tokens.create).toHaveBeenCalledWith(expect.objectContaining({ userId: 'user-1' }), {
        name: 'a script',
        expiresInDays: 30,
        scope: ['todos:read', 'todos:write'],
      });
      const shown = (await pages.get('/account')).text;
      expect(shown).toContain('todo_pat_0123');
      expect(shown).toContain('a &lt;script&gt;');
      expect((await pages.get('/account')).text).not.toContain('todo_pat_0123');

      pages.tokens.create.mockReturnValueOnce({ token: 'todo_pat_4567', row: apiToken() });
      await pages.post('/account', { ...fields, scope: 'account' }).expect(303);
      pages.clock.advance(60_000);
      expect((await pages.get('/account')).text).not.toContain('todo_pat_4567');
      expect(pages.tokens.create).toHaveBeenCalledTimes(2);
    });

    it('says what is wrong with a new token and keeps what was chosen', async () => {
      const typed = { action: 'create-token', name: ' ', expiresInDays: '1e2', scope: 'todos:write' };
      const { text } = await pages.post('/account', typed).expect(422);
      expect(text).toContain('id="token-name-error">Give the token a name');
      expect(text).toContain('id="token-expiresInDays-error">Choose a number of days from 1 to 365.');
      expect(text).toContain('value="todos:write" checked');
      expect(text).not.toContain('value="todos:read" checked');
      const none = await pages
        .post('/account', { action: 'create-token', name: 'x', expiresInDays: '366' })
        .expect(422);
      expect(none.text).toContain('id="token-scope-error">Choose at least one of');
      expect(none.text).toContain('href="#token-scope"');
      expect(pages.tokens.create).not.toHaveBeenCalled();
    });

    it('lists its tokens and revokes one', async () => {
      const { text } = await pages.get('/account');
      expect(text).toContain('the backup');
      expect(text).toContain('Not used yet');
      await pages.post('/account', { action: 'revoke-token', id: 'token-1' }).expect(303);
      expect(pages.tokens.revoke).toHaveBeenCalledWith('user-1', 'token-1');
      expect((await pages.get('/account')).text).toContain('The token is revoked.');
    });
  });

  it('have no inline script or style, and load everything from assets that are there', async () => {
    const texts: string[] = [];
    pages.answer = (call) => answerOf(200, call.path.startsWith('/todos/') ? todo() : listOf(todo()));
    for (const path of [
      '/dashboard',
      '/dashboard?edit=todo-1',
      '/region/fra',
      '/account',
      `/account/deleted/${pages.proofs.of(TENANT_ID)}`,
      '/region/x',
    ]) {
      texts.push((await pages.get(path)).text);
    }
    pages.status = tenantStatus('failed');
    texts.push((await pages.get('/dashboard')).text);
    pages.isSignedIn = false;
    for (const path of ['/', '/signup', '/login']) texts.push((await pages.get(path)).text);

    for (const text of texts) {
      expect(text).toMatch(/^<!doctype html>/);
      expect(text).not.toMatch(/\sstyle=|<style|\son\w+=|javascript:/i);
      for (const script of text.match(/<script[^>]*>[^<]*/g) ?? [])
        expect(script).toMatch(/ src="\/assets\/[^"]+">\s*$/);
      for (const [, address = ''] of text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)) {
        await pages
          .get(address.replaceAll('&#x3D;', '='))
          .expect(200)
          .expect('Cache-Control', /immutable/);
      }
    }
  });
});

describe('Assets', () => {
  it('are kept for ever only under the hash of what is sent, and a misspelt one throws', async () => {
    const pages = await TestPages.open();
    await pages.get('/assets/app.css').expect(200).expect('Cache-Control', 'no-cache');
    await pages.get('/assets/app.css?v=another').expect(200).expect('Cache-Control', 'no-cache');
    await pages.close();
    expect(() => new Assets().href('ap.css')).toThrow('There is no asset named ap.css.');
  });
});
