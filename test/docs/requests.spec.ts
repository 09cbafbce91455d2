import { ERROR_STATUSES as CONTROL_PLANE_ERRORS } from '../../apps/control-plane/src/error-codes';
import { ERROR_STATUSES as TENANT_ERRORS } from '../../apps/tenant-todo/src/error-codes';
import { blocksOf, codeOf, inlineCodeAfter, readPages, type Page } from './support/markdown';
import { routesUnder, sources, type Route } from './support/project';

interface NamedRequest {
  /** None where the path stands alone. */
  methods: string[];
  path: string;
  where: string;
}

/** Of no app in particular: libs/common/src/errors/problem.ts. */
const COMMON_ERRORS = { not_found: 404, internal_error: 500 };

const pages = readPages();
const everything = sources()
  .map(({ text }) => text.replaceAll('\\/', '/')) // in a regular expression
  .join('\n');
const ofTheTenant = routesUnder('apps/tenant-todo/');
const routes = [
  ...routesUnder('apps/control-plane/'),
  ...ofTheTenant,
  ...ofTheTenant.map((route) => ({ ...route, path: `/api/v1${route.path}` })),
];

describe('the requests that the documentation names', () => {
  it('are answered by one of the apps', () => {
    expect(routes).toContainEqual({ method: 'POST', path: '/api/v1/signup' });
    expect(routes.filter(({ path }) => isSamePath(path, '/api/v1/todos/1/thumbnail'))).toMatchObject([
      { method: 'GET' },
    ]);
    const named = pages.flatMap(requestsOf);
    expect(named.filter(({ path }) => path.startsWith('/api/v1/')).length).toBeGreaterThan(20);
    expect(named.filter((request) => !isAnswered(request))).toEqual([]);
  });

  it('are refused with codes that there are, and the status of each', () => {
    const statuses = [CONTROL_PLANE_ERRORS, TENANT_ERRORS, COMMON_ERRORS].flatMap((errors) => Object.entries(errors));
    const isKnown = (code: string, status: number) => statuses.some(([one, its]) => one === code && its === status);
    const named = pages
      .flatMap((page) => inlineCodeAfter(page, /\b([45]\d\d)[ \n]$/))
      .filter(({ text }) => /^[a-z]+(_[a-z]+)+$/.test(text))
      .map(({ text, where, before }) => ({ code: text, status: Number(before[1]), where }));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ code, status }) => !isKnown(code, status))).toEqual([]);
    const shown = pages.flatMap((page) => blocksOf(page, 'json').flatMap(({ value }) => problemIn(value)));
    expect(shown.length).toBeGreaterThan(1);
    expect(shown.filter(({ code, status }) => !isKnown(code, status))).toEqual([]);
  });
});

function problemIn(json: string): { code: string; status: number }[] {
  const { code, status } = JSON.parse(json) as { code?: unknown; status?: unknown };
  return typeof code === 'string' && typeof status === 'number' ? [{ code, status }] : [];
}

/** In code font: with methods (`GET HEAD /todos/:id/image`), or a path under /api/v1 alone. What another image answers is left out. */
function requestsOf(page: Page): NamedRequest[] {
  const ofAnotherImage = codeOf(page).flatMap(({ text }) =>
    [...text.matchAll(/\bTENANT_PATHS=([\w,-]+)/g)].flatMap((match) => (match[1] ?? '').split(',')),
  );
  return codeOf(page)
    .flatMap(({ text, where }) => {
      const [, methods = '', path = ''] = /^((?:(?:GET|HEAD|POST|PUT|PATCH|DELETE)[ |]+)+)(\/\S*)/.exec(text) ?? [];
      if (path !== '') return [{ methods: methods.split(/[ |]+/).filter(Boolean), path, where }];
      return [...text.matchAll(/(?<![\w.-])(?:\$\w+)?(\/api\/v1\/[^\s"'`)]+)/g)].map((match) => ({
        methods: [],
        path: match[1] ?? '',
        where,
      }));
    })
    .flatMap(({ path, ...rest }) => unfolded(path).map((one) => ({ ...rest, path: one })))
    .filter(({ path }) => !ofAnotherImage.includes(path.replace(/^\/api\/v1/, '').split('/')[1] ?? ''));
}

/** Without query and ellipsis; `/{a,b}` is two paths. */
function unfolded(path: string): string[] {
  const plain = path.replace(/[?…].*$/, '').replace(/[.,:;]$/, '');
  const group = /\{([^}]*)\}/.exec(plain);
  if (!group) return [plain.length > 1 ? plain.replace(/\/$/, '') : plain];
  return (group[1] ?? '').split(',').flatMap((one) => unfolded(plain.replace(group[0], one)));
}

/** What is neither app's and not under /api/v1 is another API's, which our code has to know. */
function isAnswered({ methods, path }: NamedRequest): boolean {
  const matching = routes.filter((route) => isSamePath(route.path, path));
  if (matching.length === 0) return !path.startsWith('/api/') && everything.includes(path);
  const answered = new Set(matching.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])));
  return answered.has('ALL') || methods.every((method) => answered.has(method));
}

function isSamePath(route: Route['path'], path: string): boolean {
  const [ours, theirs] = [route.split('/'), path.split('/')];
  return (
    ours.length === theirs.length &&
    ours.every((segment, i) => segment === theirs[i] || (segment.startsWith(':') && theirs[i] !== ''))
  );
}
