import type { Logger } from '@app/common/logging/logger';
import type { Clock } from '@app/common/time/clock';
import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { TenantConfig } from './config';
import { Staging } from './database/staging';
import { StorageLimit } from './database/storage-limit';
import { TenantDatabase } from './database/tenant-database';
import { EventLog } from './events/event-log';
import { EventStreams } from './events/event-streams';
import { EventsController } from './events/events.controller';
import { ExportController } from './export/export.controller';
import { JsonExport } from './export/json-export';
import { SqliteExport } from './export/sqlite-export';
import { HealthController } from './health/health.controller';
import { Metrics } from './health/metrics';
import { Readiness } from './health/readiness';
import { ProblemFilter } from './http/problem.filter';
import { createValidationPipe } from './http/validation-pipe';
import { ImageStore } from './images/image-store';
import { ImagesController } from './images/images.controller';
import { UploadedPictures } from './images/uploaded-pictures';
import { Uploads } from './images/uploads';
import { ThumbnailStore } from './thumbnails/thumbnail-store';
import { ThumbnailsController } from './thumbnails/thumbnails.controller';
import { ThumbnailsService } from './thumbnails/thumbnails.service';
import { ImportController } from './import/import.controller';
import { ImportService } from './import/import.service';
import { Idempotency } from './todos/idempotency';
import { TodoOrder } from './todos/todo-order';
import { TodoStore } from './todos/todo-store';
import { TodosController } from './todos/todos.controller';
import { TodosService } from './todos/todos.service';
import { Trash } from './todos/trash';
import { CLOCK, LOGGER } from './tokens';
import { UsageController } from './usage/usage.controller';

/** What the process made before Nest: configuration, the open volume, and what a test puts in their place. */
export interface TenantParts {
  config: TenantConfig;
  database: TenantDatabase;
  log: Logger;
  clock: Clock;
  metrics: Metrics;
  readiness: Readiness;
}

const CONTROLLERS = [
  HealthController,
  TodosController,
  ImagesController,
  ThumbnailsController,
  UsageController,
  ExportController,
  ImportController,
  EventsController,
];

@Module({})
export class AppModule {
  static with(parts: TenantParts): DynamicModule {
    return {
      module: AppModule,
      controllers: CONTROLLERS,
      providers: [
        { provide: TenantConfig, useValue: parts.config },
        { provide: TenantDatabase, useValue: parts.database },
        { provide: Metrics, useValue: parts.metrics },
        { provide: Readiness, useValue: parts.readiness },
        { provide: LOGGER, useValue: parts.log },
        { provide: CLOCK, useValue: parts.clock },
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_PIPE, useFactory: createValidationPipe },
        StorageLimit,
        TodoStore,
        TodoOrder,
        Trash,
        ImageStore,
        Idempotency,
        TodosService,
        ThumbnailStore,
        ThumbnailsService,
        UploadedPictures,
        Uploads,
        Staging,
        JsonExport,
        SqliteExport,
        ImportService,
        EventLog,
        EventStreams,
      ],
    };
  }
}
