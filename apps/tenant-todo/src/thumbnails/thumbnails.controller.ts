import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type * as express from 'express'; // `Request` by itself would put the global one into the metadata, and load fetch
import { TenantDatabase } from '../database/tenant-database';
import { etagOf } from '../http/etag';
import { beginPicture } from '../images/begin-picture';
import { TodosService } from '../todos/todos.service';
import { THUMBNAIL_TYPE } from './make-thumbnail';
import { ThumbnailsService } from './thumbnails.service';

@Controller('todos/:id/thumbnail')
export class ThumbnailsController {
  constructor(
    private readonly todos: TodosService,
    private readonly thumbnails: ThumbnailsService,
    private readonly database: TenantDatabase,
  ) {}

  /** The ETag follows from the picture alone, so that who has the thumbnail is answered without its being made. */
  @Get()
  async get(
    @Param('id') id: string,
    @Req() request: express.Request,
    @Res() response: express.Response,
  ): Promise<void> {
    const { sha256 } = this.todos.imageOf(id);
    const ETag = etagOf(this.database.databaseId, ['thumbnail', sha256]);
    if (!beginPicture(request, response, { ETag, 'Content-Type': THUMBNAIL_TYPE })) return;
    const thumbnail = await this.thumbnails.get(id, sha256);
    response.setHeader('Content-Length', thumbnail.length);
    response.end(thumbnail);
  }
}
