import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlaneConfig } from './config';

/** A non-empty list: the first signs, all verify. */
export type SessionSecrets = readonly [string, ...string[]];

/**
 * The secrets from the configuration; with none set, the one under DATA_DIR, made there once and readable by its owner alone.
 * It appears whole or not at all, so a process killed in between leaves nothing half written.
 */
export function sessionSecrets(config: Readonly<ControlPlaneConfig>): SessionSecrets {
  const [first, ...rest] = config.sessionSecrets ?? [];
  if (first !== undefined) return [first, ...rest];
  const file = join(config.dataDir, 'session-secret');
  return [readSecret(file) ?? makeSecret(file)];
}

function readSecret(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim() || null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function makeSecret(file: string): string {
  const secret = randomBytes(32).toString('base64url');
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${secret}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  try {
    linkSync(draft, file);
    return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      return readSecret(file) ?? replaceEmpty(draft, file, secret);
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/** An empty file is no secret. */
function replaceEmpty(draft: string, file: string, secret: string): string {
  unlinkSync(file);
  linkSync(draft, file);
  return secret;
}
