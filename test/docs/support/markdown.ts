import GithubSlugger from 'github-slugger';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { Code, Heading, InlineCode, Nodes, Root, RootContent, Table } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmTableFromMarkdown } from 'mdast-util-gfm-table';
import { toString } from 'mdast-util-to-string';
import { gfmTable } from 'micromark-extension-gfm-table';
import { visit } from 'unist-util-visit';

export const ROOT = resolve(__dirname, '../../..');

/** A page of the documentation, parsed as GitHub parses it. */
export interface Page {
  /** From the project's root. */
  file: string;
  tree: Root;
  /** Of the headings, as GitHub makes them. */
  anchors: ReadonlySet<string>;
}

/** A heading with what stands under it, up to the next heading of whatever depth. */
export interface Section {
  heading: string;
  content: RootContent[];
}

/** A piece of code font, inline or fenced, with what stands right before it in its line. */
export interface Written {
  text: string;
  /** `file:line`, for the message of a test. */
  where: string;
}

/** README.md and every Markdown file under docs/. */
export function readPages(): Page[] {
  return ['README.md', ...markdownUnder('docs')].map(readPage);
}

export function readPage(file: string): Page {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const tree = fromMarkdown(text, { extensions: [gfmTable()], mdastExtensions: [gfmTableFromMarkdown()] });
  const slugger = new GithubSlugger();
  const anchors = new Set(all(tree, 'heading').map((heading) => slugger.slug(toString(heading))));
  return { file, tree, anchors };
}

/** Every node of a type, in its order. */
export function all<T extends Nodes['type']>(tree: Nodes, type: T): Extract<Nodes, { type: T }>[] {
  const found: Extract<Nodes, { type: T }>[] = [];
  visit(tree, type, (node) => void found.push(node as unknown as Extract<Nodes, { type: T }>)); // of that type, by the test
  return found;
}

/** The targets of links and pictures: relative ones by themselves, all others with their scheme. */
export function linksOf({ file, tree }: Page): Written[] {
  const nodes = [...all(tree, 'link'), ...all(tree, 'image'), ...all(tree, 'definition')];
  return nodes.map((node) => ({ text: node.url, where: placeOf(file, node) }));
}

export function inlineCodeOf({ file, tree }: Page): Written[] {
  return all(tree, 'inlineCode').map((node) => ({ text: node.value, where: placeOf(file, node) }));
}

/** Fenced blocks; the language is the first word after the fence, `meta` the rest. */
export function blocksOf({ tree }: Page, ...languages: string[]): Code[] {
  return all(tree, 'code').filter(({ lang }) => languages.length === 0 || languages.includes(lang ?? ''));
}

/** Everything in code font: inline code whole, fenced blocks line by line. */
export function codeOf(page: Page): Written[] {
  const lines = blocksOf(page).flatMap((node) =>
    node.value.split('\n').map((text) => ({ text, where: placeOf(page.file, node) })),
  );
  return [...inlineCodeOf(page), ...lines];
}

/** An inline code that a word stands right before, such as the status before an error's code. */
export function inlineCodeAfter({ file, tree }: Page, before: RegExp): (Written & { before: RegExpExecArray })[] {
  const found: (Written & { before: RegExpExecArray })[] = [];
  visit(tree, 'inlineCode', (node: InlineCode, index, parent) => {
    const previous = index ? parent?.children[index - 1] : undefined;
    const match = previous?.type === 'text' ? before.exec(previous.value) : null;
    if (match) found.push({ text: node.value, where: placeOf(file, node), before: match });
  });
  return found;
}

export function tablesOf({ tree }: Page): Table[] {
  return all(tree, 'table');
}

/** A table's cells as nodes, without its head. */
export function rowsOf(table: Table): Nodes[][] {
  return table.children.slice(1).map((row) => row.children);
}

export function sectionsOf({ tree }: Page): Section[] {
  const sections: Section[] = [{ heading: '', content: [] }];
  for (const node of tree.children) {
    if (node.type === 'heading') sections.push({ heading: toString(node satisfies Heading), content: [] });
    else sections.at(-1)?.content.push(node);
  }
  return sections;
}

/** Where a relative link leads, from the project's root; null for one out of it. */
export function targetOf(page: Page, link: string): { file: string; anchor: string | null } | null {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return null;
  const [path = '', anchor = null] = link.split('#', 2);
  const file = path === '' ? page.file : relative(ROOT, resolve(ROOT, dirname(page.file), decodeURIComponent(path)));
  return { file, anchor };
}

export { toString };

function placeOf(file: string, node: Nodes): string {
  return `${file}:${node.position?.start.line ?? 0}`;
}

function markdownUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => join(folder, name));
}
