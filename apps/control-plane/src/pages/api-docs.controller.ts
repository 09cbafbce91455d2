import { Controller, Get, Header, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiDocsView, type OpenApi } from './api-docs-view';
import { Exchange } from './exchange';
import { PageRenderer } from './page-renderer';
import { documentsDirectory } from './pages-directory';

/** What the API is, for everybody: a page that needs no script, and the documents of both apps, which are made from the code. */
@Controller('api/docs')
export class ApiDocsController {
  private readonly controlPlane = readDocument('control-plane.json');
  private readonly tenant = readDocument('tenant-todo.json');
  private readonly view = apiDocsView(JSON.parse(this.controlPlane) as OpenApi);

  constructor(private readonly pages: PageRenderer) {}

  @Get()
  show(@Req() request: Request, @Res() response: Response): void {
    this.pages.render(new Exchange(request, response), 'api-docs', this.view, { isWide: true });
  }

  @Get('openapi.json')
  @Header('Content-Type', 'application/json')
  showDocument(): string {
    return this.controlPlane;
  }

  @Get('tenant-todo.json')
  @Header('Content-Type', 'application/json')
  showTenantDocument(): string {
    return this.tenant;
  }
}

function readDocument(name: string): string {
  return readFileSync(join(documentsDirectory(), name), 'utf8');
}
