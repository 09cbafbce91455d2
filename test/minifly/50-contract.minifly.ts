import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { KNOWN_DIFFERENCES } from './known-differences';
import { contractImage, removeAllOfContract } from './support/docker';
import { RealMinifly } from './support/real-minifly';

interface Report {
  testResults: { assertionResults: { fullName: string; status: string }[] }[];
}

/** Runs the machines contract against Minifly and holds what fails against the table. */
describe('the machines contract on Minifly', () => {
  let minifly: RealMinifly;
  let statuses: Map<string, string>;

  beforeAll(async () => {
    for (const program of ['echo', 'crash', 'stubborn']) contractImage(program);
    minifly = await RealMinifly.start();
    const report = join(minifly.dataDir, 'report.json');
    const test = resolve(__dirname, '../../scripts/test.mjs');
    spawnSync(process.execPath, [test, 'machines-contract/contract.spec', '--json', `--outputFile=${report}`], {
      env: {
        ...process.env,
        MACHINES_API_URL: minifly.url,
        MACHINES_API_IMAGE: 'contract-*-local:latest',
      },
      stdio: 'ignore',
    });
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
    const results = testResults.flatMap(({ assertionResults }) => assertionResults);
    statuses = new Map(results.map(({ fullName, status }) => [fullName.replace(/^Machines API /, ''), status]));
  }, 180_000);
  afterAll(async () => {
    await minifly.end();
    await removeAllOfContract();
  });

  it.each(Object.entries(KNOWN_DIFFERENCES))('%s: not so, because %s', (name) => {
    expect(statuses.get(name)).toBe('failed');
  });

  it('is held in all else', () => {
    const failed = [...statuses].filter(([name, status]) => status !== 'passed' && !(name in KNOWN_DIFFERENCES));
    expect(failed).toEqual([]);
    expect(statuses.size).toBeGreaterThanOrEqual(Object.keys(KNOWN_DIFFERENCES).length);
  });
});
