import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** `views` or `static`: beside this file in the sources, in `pages/` beside the bundle that the build makes. */
export function pagesDirectory(name: 'views' | 'static'): string {
  const beside = join(__dirname, name);
  return existsSync(beside) ? beside : join(__dirname, 'pages', name);
}

/** The OpenAPI documents: in `docs/`, or beside the bundle. */
export function documentsDirectory(): string {
  const beside = join(__dirname, 'pages/openapi');
  return existsSync(beside) ? beside : join(__dirname, '../../../../docs/openapi');
}

/** What is served as it is. Beside the sources stands what is written by hand; what the build draws is in `dist/pages`. The bundle has both in one. */
export function staticDirectories(): string[] {
  const made = join(__dirname, '../../../../dist/pages');
  const written = pagesDirectory('static');
  return written === join(__dirname, 'static') ? [written, made] : [written];
}
