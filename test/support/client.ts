import { randomUUID } from 'node:crypto';
import type { ControlPlane } from './control-plane';
import { until } from './until';

export interface Todo {
  id: string;
  title: string;
  description: string;
  completed: boolean;
  createdAt: string;
  updatedAt: string;
  image: { mimeType: string; bytes: number; sha256: string } | null;
}

export interface TodoList {
  items: Todo[];
  nextCursor: string | null;
  counts: { all: number; open: number; done: number };
}

export interface TenantView {
  id: string;
  appName: string;
  status: string;
  regions: {
    region: string;
    role: string;
    status: string;
    machineId: string | null;
    machineState: string;
    seenAt: string | null;
  }[];
  progress: {
    kind: string;
    step: string;
    steps: { name: string; status: string; at: string | null }[];
    error: unknown;
  } | null;
}

/** Somebody with a browser or a script: keeps the session cookie, follows nothing by itself. */
export class Client {
  cookie = '';
  readonly email: string;
  readonly password = 'correct horse battery';

  constructor(
    readonly plane: Pick<ControlPlane, 'url'>,
    email = `${randomUUID()}@example.org`,
  ) {
    this.email = email;
  }

  /** The same person, with the same cookie, at a control plane that took over. */
  at(plane: Pick<ControlPlane, 'url'>): Client {
    const again = new Client(plane, this.email);
    again.cookie = this.cookie;
    return again;
  }

  /** Signs up through the API and waits until the app is active. */
  static async withApp(plane: Pick<ControlPlane, 'url'>, region = 'fra'): Promise<Client> {
    const client = new Client(plane);
    const response = await client.signUp(region);
    if (response.status !== 201) throw new Error(`sign-up: ${response.status} ${await response.text()}`);
    await client.active();
    return client;
  }

  signUp(region = 'fra'): Promise<Response> {
    return this.json('POST', '/api/v1/signup', { email: this.email, password: this.password, region });
  }

  async active(ms = 20_000): Promise<TenantView> {
    let last: TenantView | undefined;
    return until(
      async () => {
        last = await this.tenant();
        return last.status === 'active' && last;
      },
      { ms, what: () => `an active app: ${JSON.stringify(last)}` },
    );
  }

  async tenant(): Promise<TenantView> {
    return (await (await this.fetch('/api/v1/tenant')).json()) as TenantView;
  }

  /** Until its machine was seen stopped: looking keeps nothing awake. */
  async asleep(): Promise<void> {
    const isStopped = async () => (await this.tenant()).regions[0]?.machineState === 'stopped';
    await until(isStopped, { what: 'the machine to stop' });
  }

  async todos(query = ''): Promise<TodoList> {
    const response = await this.fetch(`/api/v1/todos${query}`);
    if (response.status !== 200) throw new Error(`list: ${response.status} ${await response.text()}`);
    return (await response.json()) as TodoList;
  }

  /** Those of the first page. */
  async titles(): Promise<string[]> {
    return (await this.todos()).items.map(({ title }) => title);
  }

  /** Those of the whole list, page by page. */
  async allTitles(): Promise<string[]> {
    const titles: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await this.todos(`?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      titles.push(...page.items.map(({ title }) => title));
      cursor = page.nextCursor;
    }
    return titles;
  }

  /** Writes one after the other and notes what was acknowledged. Goes on after a refusal: whether a write that was not is there is not asked. */
  async writeWhile(goOn: () => boolean, acknowledged: string[]): Promise<void> {
    while (goOn()) {
      const title = randomUUID();
      const response = await this.json('POST', '/api/v1/todos', { title }).catch(() => null);
      if (response?.status === 201) acknowledged.push(title);
    }
  }

  async add(title: string, image?: Buffer): Promise<Todo> {
    const response = image
      ? await this.fetch('/api/v1/todos', { method: 'POST', body: form({ title }, image) })
      : await this.json('POST', '/api/v1/todos', { title });
    if (response.status !== 201) throw new Error(`add: ${response.status} ${await response.text()}`);
    return (await response.json()) as Todo;
  }

  json(method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(path, {
      method,
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  }

  /** A form as a browser posts it. */
  post(path: string, fields: Record<string, string>): Promise<Response> {
    return this.fetch(path, { method: 'POST', body: new URLSearchParams(fields) });
  }

  /** A page as a browser reads it: with the characters that Handlebars escapes beyond need (`=`) in the clear. */
  async page(path: string): Promise<string> {
    return (await (await this.fetch(path, { headers: { accept: 'text/html' } })).text()).replaceAll('&#x3D;', '=');
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(`${this.plane.url}${path}`, {
      redirect: 'manual',
      ...init,
      headers: { ...(this.cookie && { cookie: this.cookie }), ...(init.headers as Record<string, string> | undefined) },
    });
    for (const cookie of response.headers.getSetCookie()) this.cookie = /^[^;]*/.exec(cookie)?.[0] ?? '';
    return response;
  }
}

/** A multipart form with a picture. */
export function form(fields: Record<string, string>, image?: Buffer, name = 'picture.png'): FormData {
  const data = new FormData();
  for (const [field, value] of Object.entries(fields)) data.append(field, value);
  if (image) data.append('image', new Blob([new Uint8Array(image)]), name);
  return data;
}
