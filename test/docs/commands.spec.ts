import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Code } from 'mdast';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlPlane, endAll } from '../support/control-plane';
import { png } from '../support/pictures';
import { readPage, ROOT, toString, type Page } from './support/markdown';
import { runBlocks } from './support/shell-session';
import { differenceFrom } from './support/shown-answer';

const URL_IN_THE_DOCS = 'http://localhost:8080';

afterAll(endAll);

describe('the commands of the documentation', () => {
  it('of the README work, one after the other', async () => {
    const plane = await ControlPlane.start();
    const folder = folderFor(plane);
    writeFileSync(join(folder, 'picture.png'), png());
    const page = readPage('README.md');
    const blocks = blocksUnder(page, 'Use it without a browser').map(({ block }) => block.value);
    expect(blocks.join('\n').match(/\bcurl\b/g)?.length).toBeGreaterThan(10);
    await runBlocks(
      blocks.map((block) => block.replaceAll(URL_IN_THE_DOCS, plane.url)),
      folder,
    );
  });

  it('of the tutorial work and give the answers that it shows', async () => {
    const plane = await ControlPlane.start({ IDLE_STOP_SECONDS: '5' });
    const steps = blocksUnder(readPage('docs/TUTORIAL.md'), null);
    expect(steps.length).toBeGreaterThan(15);
    const results = await runBlocks(
      steps.map(({ block }) => block.value.replaceAll(URL_IN_THE_DOCS, plane.url)),
      folderFor(plane),
    );
    const differences = steps.flatMap(({ answer }, i) => {
      const difference = answer && differenceFrom(answer, results[i]?.stdout ?? '');
      return difference ? [`${results[i]?.commands}\n${difference}`] : [];
    });
    expect(steps.filter(({ answer }) => answer !== null).length).toBeGreaterThan(15);
    expect(differences).toEqual([]);
  }, 120_000);
});

/** A folder like a reader's own: with the data of the control plane, and what the install brought. */
function folderFor(plane: ControlPlane): string {
  const folder = mkdtempSync(join(tmpdir(), 'docs-'));
  symlinkSync(plane.dataDir, join(folder, 'data'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** The `sh` blocks under a heading (null: all of the page), each with the answer that is shown right after it. */
function blocksUnder({ tree }: Page, heading: string | null): { block: Code; answer: Code | null }[] {
  let isUnder = heading === null;
  return tree.children.flatMap((node, i) => {
    if (node.type === 'heading' && heading !== null) isUnder = toString(node) === heading;
    if (!isUnder || node.type !== 'code' || node.lang !== 'sh') return [];
    const next = tree.children[i + 1];
    const answer = next?.type === 'code' && (next.lang === 'json' || next.lang === 'text') ? next : null;
    return [{ block: node, answer }];
  });
}
