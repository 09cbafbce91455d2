import { join } from 'node:path';
import { House } from './support/house';
import { exchange, head } from './support/raw';

const VIEWS = join(__dirname, '../../apps/control-plane/src/pages/views');
const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('what the control plane answers itself', () => {
  let house: House;
  beforeAll(async () => {
    house = await House.open();
    house.app.engine('hbs', (_file: string, options: object, done: (error: null, html: string) => void) =>
      done(null, `<p>${JSON.stringify(options)}</p>`),
    );
    house.app.setViewEngine('hbs');
    house.app.setBaseViewsDir(VIEWS);
  });
  afterAll(() => house.close());

  it('is a problem for a program and a page for a browser, with one request id', async () => {
    for (const path of ['/nowhere', '/who//', '/bug']) {
      const problem = await house.get(path, { 'x-request-id': 'abc' });
      expect(problem.headers.get('content-type')).toContain('application/problem+json');
      const { status, code, requestId } = (await problem.json()) as { status: number; code: string; requestId: string };
      expect([status, requestId]).toEqual([problem.status, 'abc']);
      const page = await house.get(path, { ...BROWSER, 'x-request-id': 'abc' });
      expect(page.status).toBe(problem.status);
      expect(page.headers.get('content-type')).toContain('text/html');
      expect(await page.text()).toContain(`"code":"${code}"`);
    }
  });

  it('is never a page under /api', async () => {
    const answer = await house.get('/api/v1/nowhere', BROWSER);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it('says nothing of an error that nobody foresaw, and logs it whole, once', async () => {
    house.log.length = 0;
    const answer = await house.get('/bug', { 'x-request-id': 'bug-1' });
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret');
    const lines = house.log.filter((line) => line.requestId === 'bug-1');
    expect(lines.map(({ event, level }) => [event, level])).toEqual([
      ['request.failed', 'error'],
      ['request', 'warn'],
    ]);
    expect(JSON.stringify(lines[0])).toContain('the secret of the bug');
  });

  it('asks for a login: the API with 401, a page by going there', async () => {
    expect((await fetch(`${house.url}/api/v1/me`)).status).toBe(401);
    const page = await fetch(`${house.url}/page`, { redirect: 'manual' });
    expect([page.status, page.headers.get('location')]).toEqual([303, '/login']);
    expect(await (await house.get('/page')).text()).toBe('alice@example.org');
  });

  it('is not stored, not framed, runs no script but ours, and does not say what made it', async () => {
    for (const path of ['/who', '/nowhere', '/who//', '/api/v1/nowhere']) {
      const { headers } = await house.get(path);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('same-origin');
      expect(headers.get('etag')).toBeNull();
      expect(headers.get('x-powered-by')).toBeNull();
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|upgrade-insecure-requests/);
      expect(headers.get('strict-transport-security')).toBeNull();
    }
  });

  it('asks for HTTPS only where PUBLIC_URL says that people come by it', async () => {
    const secure = await House.open({ config: { publicUrl: 'https://todo.example' } });
    try {
      const answer = await secure.get('/who', { cookie: '__Host-session=alice' });
      expect(answer.headers.get('strict-transport-security')).toContain('max-age=');
      expect(answer.headers.get('content-security-policy')).toContain('upgrade-insecure-requests');
      expect(await answer.json()).toMatchObject({ isSecure: true, session: { userId: 'alice' } });
    } finally {
      await secure.close();
    }
  });

  it('takes JSON to 100 kB and forms to 256 kB', async () => {
    const send = async (type: string, body: string) =>
      (await fetch(`${house.url}/echo`, { method: 'POST', headers: { 'content-type': type }, body })).status;
    const json = (bytes: number) => JSON.stringify({ a: 'x'.repeat(bytes - 8) });
    expect(await send('application/json', json(102_400))).toBe(201);
    expect(await send('application/json', json(102_401))).toBe(413);
    expect(await send('application/x-www-form-urlencoded', `a=${'x'.repeat(262_142)}`)).toBe(201);
    expect(await send('application/x-www-form-urlencoded', `a=${'x'.repeat(262_143)}`)).toBe(413);
    expect(await send('application/json', '{"a":')).toBe(400);
  });

  it('keeps the cookie of a session out of reach of what stands in the query or the path', async () => {
    const answer = await exchange(house.port, head('GET', '/who?session=bob', [], ''));
    expect(answer.body).toContain('"session":null');
  });
});
