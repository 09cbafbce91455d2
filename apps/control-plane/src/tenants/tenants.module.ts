import type { Clock } from '@app/common/time/clock';
import { Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CLOCK } from '../clock.token';
import { TenantsService } from './tenants.service';
import { TimelineService } from './timeline.service';

@Module({
  providers: [
    TenantsService,
    {
      provide: TimelineService,
      inject: [DataSource, CLOCK],
      useFactory: (dataSource: DataSource, clock: Clock) => Object.assign(new TimelineService(dataSource), { clock }),
    },
  ],
  exports: [TenantsService, TimelineService],
})
export class TenantsModule {}
