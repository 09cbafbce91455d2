import type { ExpressAdapter } from '@nestjs/platform-express';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { basename, join } from 'node:path';
import { staticDirectories } from './pages-directory';

const PREFIX = '/assets';
const YEAR_SECONDS = 365 * 24 * 60 * 60;

/** The style sheet, scripts and pictures, under addresses that change with their content, so that a browser asks for each only once. */
export class Assets {
  private readonly hashes: ReadonlyMap<string, string>;

  constructor(private readonly directories = staticDirectories()) {
    const files = directories.flatMap((directory) => readdirSync(directory).map((name) => join(directory, name)));
    this.hashes = new Map(files.map((file) => [basename(file), hashOf(file)]));
  }

  /** `/assets/app.css?v=<hash>`. Throws for a file that there is not: a misspelt name must not reach a page. */
  href(name: string): string {
    const hash = this.hashes.get(name);
    if (!hash) throw new Error(`There is no asset named ${name}.`);
    return `${PREFIX}/${name}?v=${hash}`;
  }

  serve(adapter: ExpressAdapter): void {
    for (const directory of this.directories) {
      adapter.useStaticAssets(directory, {
        prefix: PREFIX,
        index: false,
        redirect: false,
        setHeaders: (response: ServerResponse, path: string) =>
          response.setHeader('Cache-Control', this.cacheControlOf(response.req.url, path)),
      });
    }
  }

  /** For ever only under the hash of what is sent: a page of another version must not pin the wrong file. */
  private cacheControlOf(url: string | undefined, path: string): string {
    const asked = new URLSearchParams(url?.split('?')[1]).get('v');
    return asked === this.hashes.get(basename(path)) ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache';
  }
}

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('base64url').slice(0, 12);
}
