import type { LedgerPage, MiniflyLedger } from '@app/minifly-client/minifly-ledger';

/** Books of another control plane, or of one whose database was lost. */
export class MemoryLedger implements MiniflyLedger {
  readonly pages = new Map<string, LedgerPage>();

  read(appName: string): Promise<LedgerPage | null> {
    return Promise.resolve(this.pages.get(appName) ?? null);
  }

  async change(appName: string, edit: (page: LedgerPage | null) => LedgerPage | null): Promise<LedgerPage | null> {
    const page = edit(await this.read(appName));
    if (page) this.pages.set(appName, JSON.parse(JSON.stringify(page)) as LedgerPage);
    else this.pages.delete(appName);
    return page;
  }
}
