import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** `views` or `static`: beside this file in the sources, in `pages/` beside the bundle that the build makes. */
export function pagesDirectory(name: 'views' | 'static'): string {
  const beside = join(__dirname, name);
  return existsSync(beside) ? beside : join(__dirname, 'pages', name);
}
