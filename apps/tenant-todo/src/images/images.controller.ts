import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Put, Req, Res } from '@nestjs/common';
import type * as express from 'express'; // `Request` by itself would put the global one into the metadata, and load fetch
import { once } from 'node:events';
import { TenantDatabase } from '../database/tenant-database';
import { ReadsBody } from '../http/body.interceptor';
import { etagOf } from '../http/etag';
import type { Todo } from '../todos/todo';
import { PutImageDto } from '../todos/todo.dto';
import { TodosService } from '../todos/todos.service';
import { beginPicture } from './begin-picture';
import { imageNotFound, ImageStore } from './image-store';
import { EXTENSIONS } from './picture';
import { Turns } from './turns';
import { UploadedPictures } from './uploaded-pictures';
import { IMAGE_FIELD, refusedField } from './uploads';

/** Pictures on their way out at once; each is whole in memory until its reader has it. */
const SENT_AT_ONCE = 4;

@Controller('todos/:id/image')
export class ImagesController {
  private readonly turns = new Turns(SENT_AT_ONCE);

  constructor(
    private readonly todos: TodosService,
    private readonly images: ImageStore,
    private readonly uploaded: UploadedPictures,
    private readonly database: TenantDatabase,
  ) {}

  @Put()
  @ReadsBody('multipart/form-data')
  put(
    @Param('id') id: string,
    @Body() _form: PutImageDto,
    @Req() request: express.Request,
    @Headers('if-match') ifMatch?: string,
  ): Promise<Todo> {
    return this.uploaded.store(request, (picture) => {
      if (!picture) throw refusedField(IMAGE_FIELD, 'Choose a picture.');
      return this.todos.putImage(id, picture, ifMatch);
    });
  }

  @Get()
  async get(
    @Param('id') id: string,
    @Req() request: express.Request,
    @Res() response: express.Response,
  ): Promise<void> {
    const facts = this.todos.imageOf(id);
    const isWanted = beginPicture(request, response, {
      ETag: etagOf(this.database.databaseId, facts.sha256),
      'Content-Type': facts.mimeType,
      'Content-Disposition': `inline; filename="todo-${id.slice(0, 8)}.${EXTENSIONS[facts.mimeType] ?? 'bin'}"`,
    });
    if (!isWanted) return;
    response.setHeader('Content-Length', facts.bytes);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    await this.send(id, facts.sha256, response);
  }

  @Delete()
  @HttpCode(204)
  remove(@Param('id') id: string, @Headers('if-match') ifMatch?: string): void {
    this.todos.removeImage(id, ifMatch);
  }

  private async send(id: string, sha256: string, response: express.Response): Promise<void> {
    const done = await this.turns.take();
    try {
      if (response.destroyed) return;
      const data = this.images.data(id, sha256);
      if (!data) throw imageNotFound(); // replaced or removed while it waited
      response.end(data);
      await once(response, 'close');
    } finally {
      done();
    }
  }
}
