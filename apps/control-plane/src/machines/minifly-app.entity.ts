import type { LedgerMachine, LedgerVolume } from '@app/minifly-client/minifly-ledger';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One app's page of the books that Minifly does not keep. */
@Entity('minifly_apps')
export class MiniflyApp {
  @PrimaryColumn('text', { name: 'app_name' }) appName!: string;

  @Column('text', { name: 'tenant_id' }) tenantId!: string;

  /** JSON. */
  @Column('simple-json') volumes!: LedgerVolume[];

  /** JSON. */
  @Column('simple-json') machines!: LedgerMachine[];
}
