import { mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlPlaneConfig } from './config';
import { sessionSecrets } from './session-secrets';

const configIn = (dataDir: string, secrets?: string[]) =>
  Object.assign(new ControlPlaneConfig(), { dataDir, sessionSecrets: secrets });
const directory = () => mkdtempSync(join(tmpdir(), 'secrets-'));

describe('sessionSecrets', () => {
  it('makes one once, for its owner alone, and finds it again', () => {
    const dataDir = directory();
    const [secret] = sessionSecrets(configIn(dataDir));
    expect(secret).toHaveLength(43);
    expect(statSync(join(dataDir, 'session-secret')).mode & 0o777).toBe(0o600);
    expect(readdirSync(dataDir)).toEqual(['session-secret']);
    expect(sessionSecrets(configIn(dataDir))).toEqual([secret]);
  });

  it('takes the configured ones in their order and writes nothing', () => {
    const dataDir = directory();
    expect(sessionSecrets(configIn(dataDir, ['new', 'old']))).toEqual(['new', 'old']);
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('replaces an empty file', () => {
    const dataDir = directory();
    writeFileSync(join(dataDir, 'session-secret'), '');
    const secrets = sessionSecrets(configIn(dataDir));
    expect(secrets[0]).toHaveLength(43);
    expect(sessionSecrets(configIn(dataDir))).toEqual(secrets);
  });
});
