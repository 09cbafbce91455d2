import { Module, type DynamicModule } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** Makes the database, opened and migrated by main.ts (which also closes it), injectable everywhere as `DataSource`. */
@Module({})
export class DatabaseModule {
  static forRoot(dataSource: DataSource): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [{ provide: DataSource, useValue: dataSource }],
      exports: [DataSource],
    };
  }
}
