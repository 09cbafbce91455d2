import type { SqliteDatabase } from '@app/common/sqlite/open';
import type { LedgerPage, MiniflyLedger } from '@app/minifly-client/minifly-ledger';
import type { DataSource } from 'typeorm';
import { atomically } from '../database/atomically';

interface Row {
  app_name: string;
  tenant_id: string;
  volumes: string;
  machines: string;
}

/** Minifly's books in the control plane's own database (`minifly_apps`): backed up and restored with the rows that name what is in them. */
export class TableLedger implements MiniflyLedger {
  constructor(private readonly dataSource: DataSource) {}

  read(appName: string): Promise<LedgerPage | null> {
    return Promise.resolve(atomically(this.dataSource, (db) => readPage(db, appName)));
  }

  async change(appName: string, edit: (page: LedgerPage | null) => LedgerPage | null): Promise<LedgerPage | null> {
    return Promise.resolve(
      atomically(this.dataSource, (db) => {
        const page = edit(readPage(db, appName));
        if (page) writePage(db, page);
        else db.prepare('DELETE FROM minifly_apps WHERE app_name = ?').run(appName);
        return page;
      }),
    );
  }
}

function readPage(db: SqliteDatabase, appName: string): LedgerPage | null {
  const row = db.prepare('SELECT * FROM minifly_apps WHERE app_name = ?').get(appName) as Row | undefined;
  if (!row) return null;
  return {
    appName: row.app_name,
    tenantId: row.tenant_id,
    volumes: JSON.parse(row.volumes) as LedgerPage['volumes'], // as writePage wrote it
    machines: JSON.parse(row.machines) as LedgerPage['machines'],
  };
}

function writePage(db: SqliteDatabase, page: LedgerPage): void {
  db.prepare('INSERT OR REPLACE INTO minifly_apps (app_name, tenant_id, volumes, machines) VALUES (?, ?, ?, ?)').run(
    page.appName,
    page.tenantId,
    JSON.stringify(page.volumes),
    JSON.stringify(page.machines),
  );
}
