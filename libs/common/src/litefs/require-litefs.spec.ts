import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireLitefs } from './require-litefs';

describe('requireLitefs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'require-litefs-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('says everything that is missing at once, and is content when all is there', () => {
    const look = () => requireLitefs(`/nowhere:${folder}`, join(folder, 'fuse'));
    expect(look).toThrow(/no litefs on the PATH.*no fusermount3 on the PATH.*fuse cannot be opened/);
    writeFileSync(join(folder, 'litefs'), '');
    writeFileSync(join(folder, 'fuse'), '');
    expect(look).toThrow(/cannot run here: there is no fusermount3 on the PATH \(Debian: apt install fuse3\)\.$/);
    writeFileSync(join(folder, 'fusermount3'), '');
    expect(look).not.toThrow();
  });
});
