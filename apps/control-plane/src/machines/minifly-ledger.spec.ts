import type { LedgerPage } from '@app/minifly-client/minifly-ledger';
import type { DataSource } from 'typeorm';
import { openTestDatabase } from '../../../../test/support/accounts';
import { TableLedger } from './minifly-ledger';

const page: LedgerPage = {
  appName: 'todo-user-1',
  tenantId: 'u',
  volumes: [{ id: 'vol_1', region: 'fra', sizeGb: 1, wasMounted: false }],
  machines: [],
};

describe('TableLedger', () => {
  let dataSource: DataSource;
  let ledger: TableLedger;
  beforeEach(async () => {
    dataSource = await openTestDatabase();
    ledger = new TableLedger(dataSource);
  });
  afterEach(() => dataSource.destroy());

  it('keeps a page as it was written, for one app, until it is given up', async () => {
    expect(await ledger.read('todo-user-1')).toBeNull();
    expect(await ledger.change('todo-user-1', () => page)).toEqual(page);
    expect(await new TableLedger(dataSource).read('todo-user-1')).toEqual(page);
    expect(await ledger.read('todo-user-2')).toBeNull();
    expect(await ledger.change('todo-user-1', () => null)).toBeNull();
    expect(await ledger.read('todo-user-1')).toBeNull();
  });

  it('loses none of many changes at once', async () => {
    await ledger.change('todo-user-1', () => page);
    const add = (i: number) =>
      ledger.change('todo-user-1', (now) => ({
        ...page,
        volumes: [...(now?.volumes ?? []), { id: `vol_${i}`, region: 'fra', sizeGb: 1, wasMounted: true }],
      }));
    await Promise.all(Array.from({ length: 50 }, (_, i) => add(i)));
    expect((await ledger.read('todo-user-1'))?.volumes).toHaveLength(51);
  });

  it('writes nothing when the change is refused', async () => {
    await ledger.change('todo-user-1', () => page);
    const refuse = () => {
      throw new Error('refused');
    };
    await expect(ledger.change('todo-user-1', refuse)).rejects.toThrow('refused');
    expect(await ledger.read('todo-user-1')).toEqual(page);
  });
});
