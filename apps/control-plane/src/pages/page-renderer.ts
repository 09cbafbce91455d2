import { Injectable } from '@nestjs/common';
import type { Exchange } from './exchange';

/** The views and what each needs; the names are the files under `views/`. */
export type PageName =
  | 'landing'
  | 'signup'
  | 'login'
  | 'dashboard'
  | 'provisioning'
  | 'region'
  | 'account'
  | 'account-deleted'
  | 'data'
  | 'api-docs'
  | 'error';

export interface PageOptions {
  status?: number;
  retryAfterSeconds?: number;
  /** The region that the navigation leads to, for who is signed in. */
  region?: string;
  isWide?: boolean;
  /** Modules under `static/`. */
  scripts?: string[];
  /** Without script the page is asked for again after so long. */
  refreshSeconds?: number;
  /** With script too: no module keeps it current. */
  isRefreshedAlways?: boolean;
}

/** Renders a view inside the layout. */
@Injectable()
export class PageRenderer {
  render<Model extends { title: string }>(
    exchange: Exchange,
    view: PageName,
    model: Model,
    options: PageOptions = {},
  ): void {
    const { request, response, signedIn } = exchange;
    const {
      status = 200,
      retryAfterSeconds,
      region,
      isWide = false,
      scripts = [],
      refreshSeconds,
      isRefreshedAlways,
    } = options;
    if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', Math.max(1, Math.ceil(retryAfterSeconds)));
    response.setHeader('Cache-Control', 'no-store');
    response.status(status).render(view, {
      ...model,
      isWide,
      scripts,
      refreshSeconds,
      isRefreshedAlways,
      user: signedIn && { email: signedIn.email, links: links(request.path, region) },
    });
  }
}

function links(path: string, region: string | undefined): { href: string; label: string; isCurrent: boolean }[] {
  const all = [
    { href: '/dashboard', label: 'To-dos', isCurrent: path === '/dashboard' || path.startsWith('/todos') },
    { href: `/region/${region}`, label: 'Region', isCurrent: path.startsWith('/region/') },
    { href: '/account', label: 'Account', isCurrent: path.startsWith('/account') },
  ];
  return all.filter(({ label }) => label !== 'Region' || region !== undefined);
}
