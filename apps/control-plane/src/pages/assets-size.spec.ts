import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pagesDirectory } from './pages-directory';

const MAX_BYTES = 40_000;

describe('what the pages load', () => {
  it('is under 40,000 bytes of script and style together, before compression', () => {
    const directory = pagesDirectory('static');
    const files = readdirSync(directory).filter((name) => /\.(js|css)$/.test(name));
    const sizes = files.map((name) => ({ name, bytes: statSync(join(directory, name)).size }));
    expect(sizes.map(({ name }) => name)).toEqual(expect.arrayContaining(['app.css', 'dashboard.js']));
    expect(sizes.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(MAX_BYTES);
  });
});
