import { createTokenSigner } from '@app/common/tenant-token/sign';
import { createTokenVerifier } from '@app/common/tenant-token/verify';
import { START } from '../../../../test/support/accounts';
import { Client } from '../../../../test/support/client';
import { openControlPlaneApi, type ControlPlaneApi } from '../../../../test/support/control-plane-api';
import { SessionsService } from '../accounts/sessions.service';
import { Session } from '../accounts/session.entity';
import type { Route } from '../gates/admission';
import { TimelineService } from '../tenants/timeline.service';

interface ProblemBody {
  code: string;
  detail: string;
  errors?: { field: string; message: string }[];
  input?: unknown;
}
const problemOf = async (response: Response) => {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  return { status: response.status, ...((await response.json()) as ProblemBody) };
};

describe('the API of accounts', () => {
  let api: ControlPlaneApi;
  let ada: Client;
  beforeEach(async () => {
    api = await openControlPlaneApi({ loginLimit: 2 });
    ada = new Client(api, 'ada@example.org');
  });
  afterEach(() => api.close());

  const logIn = (body: object, path = '/api/v1/login', client = ada) => client.json('POST', path, body);
  const right = () => ({ email: ada.email, password: ada.password });

  it('signs up, answers with user and tenant, and has a session from then on', async () => {
    const response = await ada.signUp('syd');
    expect(response.status).toBe(201);
    const { user, tenant } = (await response.json()) as { user: { id: string }; tenant: unknown };
    expect(user).toEqual({
      id: expect.any(String) as string,
      email: 'ada@example.org',
      createdAt: '2026-01-05T10:00:00.000Z',
    });
    expect(tenant).toMatchObject({
      id: user.id,
      status: 'provisioning',
      regions: [{ region: 'syd', role: 'primary' }],
    });
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=7776000$/),
    ]);
    expect(await (await ada.fetch('/api/v1/me')).json()).toEqual({ ...user, region: 'syd' });
    expect((await new Client(api).fetch('/api/v1/me')).status).toBe(401);
  });

  it('says all that is wrong with a sign-up at once and gives back what was typed, never the password', async () => {
    const typed = { email: 'Not An Address', password: 'short-é', region: 'fra', admin: true };
    const problem = await problemOf(await ada.json('POST', '/api/v1/signup', typed));
    expect(problem).toMatchObject({ status: 422, code: 'validation_failed' });
    expect(problem.errors?.map(({ field }) => field).sort()).toEqual(['admin', 'email', 'password']);
    expect(problem.input).toEqual({ email: 'Not An Address', region: 'fra' });
    expect(JSON.stringify(problem)).not.toContain('short-é');

    const empty = await problemOf(await ada.json('POST', '/api/v1/signup', {}));
    expect(empty.errors).toEqual([
      { field: 'email', message: 'Enter your e-mail address.' },
      { field: 'password', message: 'Choose a password.' },
      { field: 'region', message: 'Choose a region.' },
    ]);
    expect((await problemOf(await ada.signUp('moon'))).errors?.[0]?.field).toBe('region');
  });

  it('takes JSON objects and nothing else', async () => {
    const form = await ada.post('/api/v1/signup', { ...right(), region: 'fra' });
    expect(await problemOf(form)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
    const login = await ada.post('/api/v1/login', right());
    expect(await problemOf(login)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
    const headers = { 'content-type': 'application/json' };
    const refusalOf = async (body: string) =>
      problemOf(await ada.fetch('/api/v1/login', { method: 'POST', body, headers }));
    const cut = await refusalOf('{"email": "ada@example.org", "password');
    expect(cut).toMatchObject({ status: 400, code: 'json_malformed', detail: 'The body is not valid JSON.' });
    expect(await refusalOf('"text"')).toMatchObject({ status: 400, code: 'json_malformed' });
    expect(await refusalOf('[]')).toMatchObject({ status: 400, code: 'bad_request' });
  });

  it('logs in with a session of its own and ends the one that the browser had', async () => {
    await ada.signUp();
    const before = ada.cookie;
    const response = await logIn({ ...right(), email: ' ADA@example.org' });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      user: { email: 'ada@example.org' },
      tenant: { status: 'provisioning' },
    });
    expect(ada.cookie).not.toBe(before);
    expect((await ada.fetch('/api/v1/me')).status).toBe(200);
    ada.cookie = before;
    expect((await ada.fetch('/api/v1/me')).status).toBe(401);
    expect(await api.dataSource.getRepository(Session).count()).toBe(1);
  });

  it('refuses credentials in the URL, unknown fields and what is no text, without checking a password', async () => {
    await ada.signUp();
    const query = new URLSearchParams(right()).toString();
    expect(await problemOf(await logIn(right(), `/api/v1/login?${query}`))).toMatchObject({ code: 'bad_request' });
    expect(await problemOf(await logIn({}, `/api/v1/login?${query}`))).toMatchObject({ code: 'bad_request' });
    const unknown = await problemOf(await logIn({ ...right(), remember: true }));
    expect(unknown).toMatchObject({ status: 422, errors: [{ field: 'remember' }], input: { email: ada.email } });
    const wrongTypes = await problemOf(await logIn({ email: { $ne: '' }, password: [ada.password] }));
    expect(wrongTypes.errors?.map(({ field }) => field)).toEqual(['email', 'password']);
    expect((await logIn({})).status).toBe(422);
    expect((await logIn(right())).status).toBe(200); // none of them was counted
  });

  it('slows down who guesses, and says for how long', async () => {
    await ada.signUp();
    for (let i = 0; i < 2; i += 1)
      expect(await problemOf(await logIn({ ...right(), password: 'wrong horse' }))).toMatchObject({
        status: 401,
        code: 'wrong_credentials',
        input: { email: ada.email },
      });
    const refused = await logIn(right());
    expect(refused.headers.get('retry-after')).toBe('900');
    expect(await problemOf(refused)).toMatchObject({ status: 429, code: 'too_many_attempts' });
  });

  it('logs out, also twice', async () => {
    await ada.signUp();
    const cookie = ada.cookie;
    const response = await ada.fetch('/api/v1/logout', { method: 'POST' });
    expect([response.status, response.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')]);
    ada.cookie = cookie;
    expect((await ada.fetch('/api/v1/me')).status).toBe(401);
    expect((await ada.fetch('/api/v1/logout', { method: 'POST' })).status).toBe(204);
  });

  it('deletes an account only for its password, and then lets nobody in', async () => {
    await ada.signUp();
    const remove = (body: object) => ada.json('DELETE', '/api/v1/me', body);
    expect((await remove({})).status).toBe(422);
    expect(await problemOf(await remove({ password: 'wrong horse' }))).toMatchObject({
      status: 403,
      code: 'wrong_password',
    });
    expect((await ada.fetch('/api/v1/me')).status).toBe(200);
    const cookie = ada.cookie;
    const response = await remove({ password: ada.password });
    expect([response.status, await response.json()]).toEqual([
      202,
      {
        status: 'deleting',
        page: expect.stringMatching(/^\/account\/deleted\/[0-9a-f-]{36}\.[0-9a-f]{64}$/) as string,
      },
    ]);
    ada.cookie = cookie;
    expect((await ada.fetch('/api/v1/me')).status).toBe(401);
    expect(await problemOf(await logIn(right()))).toMatchObject({ status: 409, code: 'account_deleting' });
    expect(await problemOf(await ada.signUp())).toMatchObject({ status: 409, code: 'email_taken' });
  });

  it('refuses what comes from another site', async () => {
    const headers = { 'sec-fetch-site': 'cross-site' };
    expect(await problemOf(await ada.json('POST', '/api/v1/login', right(), headers))).toMatchObject({
      code: 'cross_site',
    });
  });
});

describe('the API of tenants', () => {
  let api: ControlPlaneApi;
  let ada: Client;
  let tenantId: string;
  beforeEach(async () => {
    api = await openControlPlaneApi({ regions: ['sin', 'fra'] });
    ada = new Client(api);
    await ada.signUp();
    tenantId = (await ada.tenant()).id;
  });
  afterEach(() => api.close());

  it('lists the regions that are offered, in their order, to everybody', async () => {
    expect(await (await new Client(api).fetch('/api/v1/regions')).json()).toEqual({
      items: [
        { code: 'fra', name: 'Frankfurt, Germany' },
        { code: 'sin', name: 'Singapore, Singapore' },
      ],
    });
  });

  it("shows a person's own tenant with what its gate saw, and asks no gate to open", async () => {
    api.gates.machine = { state: 'stopped', seenAt: START };
    expect((await ada.tenant()).regions[0]).toMatchObject({
      machineState: 'stopped',
      seenAt: '2026-01-05T10:00:00.000Z',
    });
    for (const path of ['/api/v1/tenant', '/api/v1/tenant/events'])
      expect((await new Client(api).fetch(path)).status).toBe(401);
    expect(api.gates.entered).toBe(0);
  });

  it('retries only what has failed', async () => {
    const refused = await problemOf(await ada.fetch('/api/v1/tenant/retry', { method: 'POST' }));
    expect(refused).toMatchObject({ status: 409, code: 'retry_not_possible' });
    await api.dataSource.query("UPDATE user_apps SET status = 'failed'");
    const retried = await ada.fetch('/api/v1/tenant/retry', { method: 'POST' });
    expect([retried.status, await retried.json()]).toEqual([202, expect.objectContaining({ status: 'provisioning' })]);
  });

  it('gives a token for the machine itself, keeps that from being stopped until it expires, and leaves the gate', async () => {
    const leave = jest.fn();
    const route = { tenantId, appName: 'todo-user-1', databaseId: 'db1', epoch: 1 } as Route;
    api.gates.admission = { outcome: 'proceed', route, leave };
    api.gates.address = 'http://127.0.0.2:3000';
    const response = await ada.fetch('/api/v1/tenant/token', { method: 'POST' });
    expect(response.status).toBe(200);
    const { token, ...rest } = (await response.json()) as { token: string };
    expect(rest).toEqual({ url: 'http://127.0.0.2:3000', expiresAt: '2026-01-05T10:10:00.000Z' });
    expect(api.gates.direct).toEqual([[tenantId, START + 600_000]]);
    expect(leave).toHaveBeenCalledTimes(1);
    const keys = createTokenSigner(['a secret of the tests']).publicJwks();
    const claims = await createTokenVerifier(keys, api.clock).verify(token);
    expect(claims).toMatchObject({ aud: 'todo-user-1', sub: tenantId, dbid: 'db1' });
  });

  it('gives no token while the app does not wake', async () => {
    const response = await ada.fetch('/api/v1/tenant/token', { method: 'POST' });
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await problemOf(response)).toMatchObject({ status: 503, code: 'tenant_not_ready' });
    expect(api.gates.direct).toEqual([]);
  });
});

describe('the events of a tenant', () => {
  let api: ControlPlaneApi;
  beforeEach(async () => (api = await openControlPlaneApi()));
  afterEach(() => api.close());

  async function openStream(client: Client): Promise<{ next: () => Promise<string>; cancel: () => Promise<void> }> {
    const response = await client.fetch('/api/v1/tenant/events');
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let read = '';
    const next = async (): Promise<string> => {
      for (;;) {
        const end = read.indexOf('\n\n');
        if (end >= 0) {
          const event = read.slice(0, end);
          read = read.slice(end + 2);
          return event;
        }
        const { done, value } = await reader.read();
        if (done) return 'the end';
        read += decoder.decode(value, { stream: true });
      }
    };
    return { next, cancel: () => reader.cancel() };
  }
  const timelineOf = (plane: ControlPlaneApi) => plane.app.get(TimelineService, { strict: false });

  it('begin with the state as it is, then tell steps, states and changes as they come', async () => {
    const ada = new Client(api);
    await ada.signUp();
    const { id } = await ada.tenant();
    const stream = await openStream(ada);
    expect(await stream.next()).toMatch(/^event: state\ndata: \{"id":.*"status":"provisioning"/);
    const timeline = timelineOf(api);
    await timeline.record({ tenantId: id, kind: 'step_started', step: 'app' });
    expect(await stream.next()).toMatch(/^event: step\ndata: .*"name":"app","status":"running"/);
    timeline.signal(id, 'changed');
    expect(await stream.next()).toBe('event: changed\ndata: {}');
    timeline.signal('somebody else', 'changed');
    await api.dataSource.query("UPDATE user_apps SET status = 'active'");
    for (let i = 0; i < 5; i += 1) timeline.signal(id, 'state');
    const last = await stream.next();
    expect(last).toMatch(/^event: state\ndata: .*"status":"active".*"progress":null/);
    await stream.cancel();
    expect(api.gates.entered).toBe(0);
  });

  it('end with the session, and with the app', async () => {
    const ada = new Client(api);
    await ada.signUp();
    const { id } = await ada.tenant();
    const first = await openStream(ada);
    await first.next();
    await ada.fetch('/api/v1/logout', { method: 'POST' });
    expect(await first.next()).toBe('the end');

    await ada.json('POST', '/api/v1/login', { email: ada.email, password: ada.password });
    const second = await openStream(ada);
    await second.next();
    await api.dataSource.query('DELETE FROM user_apps');
    timelineOf(api).signal(id, 'state');
    expect(await second.next()).toBe('the end');
  });

  it('do not begin for a session that ends while they are prepared', async () => {
    const ada = new Client(api);
    await ada.signUp();
    const { id } = await ada.tenant();
    jest.spyOn(api.gates, 'machineState').mockImplementationOnce(() => {
      void api.app.get(SessionsService, { strict: false }).endAll(id);
      return { state: 'unknown', seenAt: null };
    });
    const response = await ada.fetch('/api/v1/tenant/events');
    expect(await response.text()).toBe('');
  });

  it('answer HEAD without staying open', async () => {
    const ada = new Client(api);
    await ada.signUp();
    const response = await ada.fetch('/api/v1/tenant/events', { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });
});
