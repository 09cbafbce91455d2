import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { linksOf, readPages, ROOT, targetOf } from './support/markdown';

const pages = readPages();
const anchorsOf = new Map(pages.map(({ file, anchors }) => [file, anchors]));

describe('the links of the documentation', () => {
  it('reads README.md and docs/', () => {
    const files = pages.map(({ file }) => file);
    expect(files).toEqual(expect.arrayContaining(['README.md', 'docs/ARCHITECTURE.md', 'docs/TUTORIAL.md']));
    expect(pages.flatMap(linksOf).length).toBeGreaterThan(60);
  });

  it('lead to files and headings that are there', () => {
    const broken = pages.flatMap((page) =>
      linksOf(page).filter(({ text }) => {
        const target = targetOf(page, text);
        if (!target) return false;
        if (target.file.startsWith('..') || !existsSync(join(ROOT, target.file))) return true;
        return target.anchor !== null && !anchorsOf.get(target.file)?.has(target.anchor);
      }),
    );
    expect(broken).toEqual([]);
  });

  it('lead to each page of docs/ from another one', () => {
    const linked = new Set(pages.flatMap((page) => linksOf(page).map(({ text }) => targetOf(page, text)?.file)));
    expect(pages.map(({ file }) => file).filter((file) => file !== 'README.md' && !linked.has(file))).toEqual([]);
  });

  it('go out by https, or to this computer', () => {
    const outward = pages.flatMap(linksOf).filter(({ text }) => /^[a-z][a-z0-9+.-]*:/i.test(text));
    expect(outward.filter(({ text }) => !/^(https:\/\/|http:\/\/localhost[:/])/.test(text))).toEqual([]);
  });
});
