import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type * as express from 'express'; // `Request` by itself would put the global one into the metadata, and load fetch
import { TenantDatabase } from '../database/tenant-database';
import { etagOf } from '../http/etag';
import { imageNotFound, ImageStore } from '../images/image-store';
import { TodosService } from '../todos/todos.service';
import { THUMBNAIL_TYPE } from './make-thumbnail';
import { ThumbnailsService } from './thumbnails.service';

@Controller('todos/:id/thumbnail')
export class ThumbnailsController {
  constructor(
    private readonly todos: TodosService,
    private readonly images: ImageStore,
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
    const facts = this.images.facts(id);
    if (!facts) {
      this.todos.get(id); // a to-do that is not there is another error than a picture that is not
      throw imageNotFound();
    }
    response.set({
      ETag: etagOf(this.database.databaseId, ['thumbnail', facts.sha256]),
      'Content-Type': THUMBNAIL_TYPE,
      'Content-Security-Policy': "default-src 'none'; sandbox",
      'Cross-Origin-Resource-Policy': 'same-origin',
    });
    if (request.fresh) {
      response.status(304).end();
      return;
    }
    const thumbnail = await this.thumbnails.get(id, facts.sha256);
    response.setHeader('Content-Length', thumbnail.length);
    response.end(thumbnail);
  }
}
