import { DomainError } from '@app/common/errors/domain-error';
import { Injectable } from '@nestjs/common';
import { promises } from 'node:fs';
import { createRequire } from 'node:module';
import { Staging } from '../database/staging';
import { TenantDatabase } from '../database/tenant-database';
import type { ErrorCode } from '../error-codes';

/**
 * `VACUUM INTO` reads one state of the whole file and writes only what is in use. What is deleted but can still be restored, and what
 * was answered to keyed requests, is then overwritten in the copy.
 */
const COPY = `
  const { parentPort, workerData } = require('node:worker_threads');
  try {
    const Database = require(workerData.sqlitePackage);
    const source = new Database(workerData.from, { readonly: true });
    source.pragma('busy_timeout = 5000');
    source.prepare('VACUUM INTO ?').run(workerData.to);
    source.close();
    const copy = new Database(workerData.to);
    copy.pragma('secure_delete = ON');
    copy.pragma('foreign_keys = ON');
    copy.exec('DELETE FROM todos WHERE deleted_at IS NOT NULL; DELETE FROM idempotency_keys');
    copy.close();
    parentPort.postMessage({});
  } catch ({ code, message }) {
    parentPort.postMessage({ code, message });
  }
`;

interface CopyOutcome {
  code?: string;
  message?: string;
}

@Injectable()
export class SqliteExport {
  constructor(
    private readonly database: TenantDatabase,
    private readonly staging: Staging,
  ) {}

  /**
   * A consistent copy of the database as a file, which the caller removes. Made in a thread of its own: requests go on meanwhile.
   * Throws `storage_full` where the volume has no room for it.
   */
  async copy(): Promise<string> {
    const file = this.staging.newFile();
    const { code, message } = await this.runWorker(file);
    if (message === undefined) return file;
    await promises.rm(file, { force: true });
    if (code !== 'SQLITE_FULL') throw new Error(`The database could not be copied: ${code}: ${message}`);
    throw new DomainError<ErrorCode>('storage_full', 'The volume has no room for a copy. Export as JSON instead.');
  }

  private async runWorker(to: string): Promise<CopyOutcome> {
    const { Worker } = await import('node:worker_threads');
    const workerData = {
      sqlitePackage: createRequire(__filename).resolve('better-sqlite3'),
      from: this.database.sqlite.name,
      to,
    };
    const worker = new Worker(COPY, { eval: true, workerData });
    return new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`The thread that copies ended (${code}).`)));
    });
  }
}
