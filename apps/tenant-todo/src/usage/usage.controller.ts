import { Controller, Get, UseInterceptors } from '@nestjs/common';
import { TenantConfig } from '../config';
import { StorageLimit } from '../database/storage-limit';
import { TenantDatabase } from '../database/tenant-database';
import { EtagInterceptor } from '../http/etag.interceptor';
import { ImageStore } from '../images/image-store';
import { MAX_IMAGE_BYTES } from '../images/uploads';
import { TodoStore } from '../todos/todo-store';

/** What is used, and of how much. Storage is what the database takes, with what was deleted and can still be restored. */
export interface Usage {
  todos: { count: number; limit: number };
  images: { count: number; bytes: number; limitBytesEach: number };
  storage: { bytes: number; limitBytes: number };
}

@Controller('usage')
export class UsageController {
  constructor(
    private readonly config: TenantConfig,
    private readonly database: TenantDatabase,
    private readonly storage: StorageLimit,
    private readonly todos: TodoStore,
    private readonly images: ImageStore,
  ) {}

  @Get()
  @UseInterceptors(EtagInterceptor)
  get(): Usage {
    return {
      todos: { count: this.todos.counts().all, limit: this.config.maxTodos },
      images: { ...this.images.totals(), limitBytesEach: MAX_IMAGE_BYTES },
      storage: { bytes: this.database.usedBytes(), limitBytes: this.storage.maxBytes },
    };
  }
}
