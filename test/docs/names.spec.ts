import { envFieldsOf } from '@app/common/config/from-env';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ControlPlaneConfig } from '../../apps/control-plane/src/config';
import { TenantConfig } from '../../apps/tenant-todo/src/config';
import { all, blocksOf, codeOf, inlineCodeOf, readPage, readPages, ROOT, sectionsOf } from './support/markdown';
import { isWordOf, projectFiles, saidBy, sources } from './support/project';

const pages = readPages();
const files = projectFiles();
const everything = sources()
  .map(({ text }) => text)
  .join('\n');
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

describe('what the documentation names', () => {
  it('npm scripts that exist', () => {
    const named = pages.flatMap(codeOf).flatMap(({ text, where }) => scriptsIn(text).map((name) => ({ name, where })));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ name }) => !(name in scripts))).toEqual([]);
  });

  it('files and folders that exist', () => {
    const folders = new Set(files.map((file) => file.split('/')[0] ?? '').filter((name) => !name.includes('.')));
    folders.add('dist');
    const named = pages.flatMap(codeOf).flatMap(({ text, where }) =>
      pathsIn(text)
        .filter((path) => folders.has(path.split('/')[0] ?? ''))
        .map((path) => ({ path, where })),
    );
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter(({ path }) => !isThere(path))).toEqual([]);
  });

  it('file names that exist, wherever they lie', () => {
    const named = pages
      .flatMap(inlineCodeOf)
      .filter(({ text }) => /^[\w./-]+\.(ts|mjs|cjs|js|sh|yml|yaml|toml|hbs|css)$/.test(text))
      .map(({ text, where }) => ({ name: text.replace(/^\.\//, ''), where }));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ name }) => !files.some((file) => `/${file}`.endsWith(`/${name}`)))).toEqual([]);
  });

  it('environment variables that something reads', () => {
    const known = new Set([ControlPlaneConfig, TenantConfig].flatMap(envFieldsOf).map(({ variable }) => variable));
    const isRead = (name: string) =>
      known.has(name) || known.has(name.replace(/_FILE$/, '')) || isWordOf(everything, name);
    const named = pages
      .flatMap(codeOf)
      .flatMap(({ text, where }) => variablesIn(text).map((name) => ({ name, where })));
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter(({ name }) => !isRead(name))).toEqual([]);
  });

  it('codes, columns, metrics and events of the log that are in the code', () => {
    const ofNginx = pages.flatMap((page) => blocksOf(page, 'nginx').map(({ value }) => value)).join('\n');
    const isKnown = (name: string) => [everything, ofNginx].some((text) => isWordOf(text, name));
    const named = pages.flatMap(inlineCodeOf).filter(({ text }) => isSnakeCase(text));
    const events = pages.flatMap(inlineCodeOf).filter(({ text }) => isEvent(text));
    expect([named.length > 60, events.length > 20]).toEqual([true, true]);
    expect(named.filter(({ text }) => !isKnown(text))).toEqual([]);
    // A table's column, and a field of an answer, are written with a dot, too.
    expect(events.filter(({ text }) => !isKnown(text) && !text.split('.').every(isKnown))).toEqual([]);
  });

  it('messages that a program prints', () => {
    const said = saidBy(everything);
    const shown = blocksOf(readPage('docs/TROUBLESHOOTING.md'), 'text').flatMap(({ value }) => value.split('\n'));
    expect(shown.length).toBeGreaterThan(40);
    const isSaid = (line: string) => line.split('…').every((piece) => said.includes(piece.trim()));
    expect(shown.filter((line) => !isSaid(line))).toEqual([]);
  });

  it('figures under the command that makes them', () => {
    const sections = sectionsOf(readPage('docs/PERFORMANCE.md'));
    const withFigures = sections.filter(({ content }) => content.some(({ type }) => type === 'table'));
    const isMade = (text: string) =>
      scriptsIn(text).some((name) => name in scripts) || pathsIn(text).some((path) => existsSync(join(ROOT, path)));
    const withoutCommand = withFigures.filter(
      ({ content }) =>
        !content.some((node) => [...all(node, 'inlineCode'), ...all(node, 'code')].some(({ value }) => isMade(value))),
    );
    expect(withFigures.length).toBeGreaterThan(3);
    expect(withoutCommand.map(({ heading }) => heading)).toEqual([]);
  });
});

function scriptsIn(text: string): string[] {
  return [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)].map((match) => match[1] ?? match[2] ?? '');
}

/** What looks like a path from the project's root: `docker/minifly.sh`, and not a part of a longer one. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w./$~-])((?:\.\/)?[\w.-]+\/[\w./-]*[\w-])/g)].map((match) =>
    (match[1] ?? '').replace(/^\.\//, ''),
  );
}

/** What a build makes need not be there: that the code knows it, or its folder is there, is enough. */
function isThere(path: string): boolean {
  if (existsSync(join(ROOT, path))) return true;
  return path.startsWith('dist/') && (existsSync(join(ROOT, dirname(path))) || everything.includes(path));
}

/** `NAME_OF_ONE` alone, and whatever is set (`NAME=value`). */
function variablesIn(text: string): string[] {
  const alone = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/.test(text) ? [text] : [];
  return [...alone, ...[...text.matchAll(/(?<![\w$])([A-Z][A-Z0-9_]{2,})=/g)].map((match) => match[1] ?? '')];
}

function isSnakeCase(text: string): boolean {
  return /^[a-z]+(_[a-z0-9]+)+$/.test(text);
}

/** `tenant.woken`; a file's name has another ending. */
function isEvent(text: string): boolean {
  return /^[a-z_]+\.[a-z]{5,}(_[a-z]+)*$/.test(text) && !/\.sqlite$/.test(text);
}
