import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  Req,
  UseInterceptors,
} from '@nestjs/common';
import type * as express from 'express'; // `Request` by itself would put the global one into the metadata, and load fetch
import { ReadsBody } from '../http/body.interceptor';
import { EtagInterceptor } from '../http/etag.interceptor';
import { UploadedPictures } from '../images/uploaded-pictures';
import type { Todo, TodoPage } from './todo';
import { CreateTodoDto, ListTodosDto, MoveTodoDto, UpdateTodoDto } from './todo.dto';
import { TodosService } from './todos.service';

@Controller('todos')
export class TodosController {
  constructor(
    private readonly todos: TodosService,
    private readonly uploaded: UploadedPictures,
  ) {}

  @Get()
  @UseInterceptors(EtagInterceptor)
  list(@Query() query: ListTodosDto): TodoPage {
    return this.todos.list(query);
  }

  @Post()
  @UseInterceptors(EtagInterceptor)
  @ReadsBody('application/json', 'multipart/form-data')
  create(
    @Body() todo: CreateTodoDto,
    @Req() request: express.Request,
    @Headers('idempotency-key') idempotencyKey?: string,
  ): Promise<Todo> {
    return this.uploaded.store(request, (picture) => this.todos.create(todo, picture, idempotencyKey));
  }

  @Get(':id')
  @UseInterceptors(EtagInterceptor)
  get(@Param('id') id: string): Todo {
    return this.todos.get(id);
  }

  @Patch(':id')
  @UseInterceptors(EtagInterceptor)
  @ReadsBody('application/json')
  update(@Param('id') id: string, @Body() changes: UpdateTodoDto, @Headers('if-match') ifMatch?: string): Todo {
    return this.todos.update(id, changes, ifMatch);
  }

  @Delete(':id')
  @HttpCode(204)
  remove(@Param('id') id: string, @Headers('if-match') ifMatch?: string): void {
    this.todos.remove(id, ifMatch);
  }

  @Post(':id/move')
  @HttpCode(200)
  @UseInterceptors(EtagInterceptor)
  @ReadsBody('application/json')
  move(@Param('id') id: string, @Body() { before }: MoveTodoDto): Todo {
    return this.todos.move(id, before);
  }

  @Post(':id/restore')
  @HttpCode(200)
  @UseInterceptors(EtagInterceptor)
  restore(@Param('id') id: string): Todo {
    return this.todos.restore(id);
  }
}
