import type { Clock } from '@app/common/time/clock';
import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import { IsIn } from 'class-validator';
import type * as express from 'express'; // `Request` by itself would put the global one into the metadata, and load fetch
import { createReadStream, promises } from 'node:fs';
import { Readable, promises as streams } from 'node:stream';
import { Turns } from '../images/turns';
import { CLOCK } from '../tokens';
import { JsonExport } from './json-export';
import { SqliteExport } from './sqlite-export';

/** Exports on their way out at once; others wait. */
const SENT_AT_ONCE = 2;

const CONTENT_TYPES = { json: 'application/json', sqlite: 'application/vnd.sqlite3' } as const;
type ExportFormat = keyof typeof CONTENT_TYPES;

export class ExportDto {
  @IsIn(Object.keys(CONTENT_TYPES), { message: '`format` is json or sqlite.' })
  format: ExportFormat = 'json';
}

@Controller('export')
export class ExportController {
  private readonly turns = new Turns(SENT_AT_ONCE);

  constructor(
    private readonly json: JsonExport,
    private readonly sqlite: SqliteExport,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get()
  async get(
    @Query() { format }: ExportDto,
    @Req() request: express.Request,
    @Res() response: express.Response,
  ): Promise<void> {
    const date = new Date(this.clock.now()).toISOString().slice(0, 10);
    response.setHeader('Content-Type', CONTENT_TYPES[format]);
    response.setHeader('Content-Disposition', `attachment; filename="todos-${date}.${format}"`);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    const done = await this.turns.take();
    try {
      if (response.destroyed) return;
      await (format === 'json' ? this.sendJson(response) : this.sendSqlite(response));
    } catch (error) {
      if (!isClientGone(error)) throw error; // answered with a problem, or cut off where sending has begun
    } finally {
      done();
    }
  }

  private async sendJson(response: express.Response): Promise<void> {
    await streams.pipeline(Readable.from(this.json.pieces(), { highWaterMark: 1 }), response);
  }

  private async sendSqlite(response: express.Response): Promise<void> {
    const file = await this.sqlite.copy();
    try {
      response.setHeader('Content-Length', (await promises.stat(file)).size);
      await streams.pipeline(createReadStream(file), response);
    } finally {
      await promises.rm(file, { force: true });
    }
  }
}

const CLIENT_GONE = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_UNABLE_TO_PIPE']);

function isClientGone(error: unknown): boolean {
  return CLIENT_GONE.has(String((error as { code?: unknown } | undefined)?.code));
}
