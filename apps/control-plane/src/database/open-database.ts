import { applyPragmas } from '@app/common/sqlite/open';
import { controlPlaneMigrations } from '@migrations/control-plane';
import { DataSource } from 'typeorm';
import { ApiToken } from '../accounts/api-token.entity';
import { Session } from '../accounts/session.entity';
import { User } from '../accounts/user.entity';
import { MiniflyApp } from '../machines/minifly-app.entity';
import { TenantEvent } from '../tenants/event.entity';
import { Tenant } from '../tenants/tenant.entity';
import { UserApp } from '../tenants/user-app.entity';
import { forbidTypeormTransactions } from './atomically';

/** Opens the control plane's database, brings it to the current schema, and closes the way to TypeORM's own transactions. */
export async function openDatabase(file: string): Promise<DataSource> {
  const dataSource = new DataSource({
    type: 'better-sqlite3',
    database: file,
    entities: [User, Session, ApiToken, Tenant, UserApp, TenantEvent, MiniflyApp],
    migrations: controlPlaneMigrations,
    migrationsRun: false,
    synchronize: false,
    prepareDatabase: (db: { pragma(text: string): unknown }) => applyPragmas((pragma) => db.pragma(pragma)),
  });
  await dataSource.initialize();
  await dataSource.runMigrations({ transaction: 'each' });
  forbidTypeormTransactions(dataSource);
  return dataSource;
}
