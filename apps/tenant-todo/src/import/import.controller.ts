import { Controller, HttpCode, Post, Query, Req, Res } from '@nestjs/common';
import { IsIn } from 'class-validator';
import type * as express from 'express'; // `Request` by itself would put the global one into the metadata, and load fetch
import { DomainError } from '@app/common/errors/domain-error';
import type { ErrorCode } from '../error-codes';
import { acceptedType } from '../http/body.interceptor';
import { assertNotEncoded, clientGone } from '../http/json-body';
import { receiveFile } from './receive-file';
import { ImportService, type ImportOutcome } from './import.service';

export class ImportDto {
  @IsIn(['0', '1'], { message: '`dryRun` is 1 to change nothing, or 0.' })
  dryRun = '0';
}

@Controller('import')
export class ImportController {
  constructor(private readonly imports: ImportService) {}

  /** The export as the body, or from a page's form as its file. */
  @Post()
  @HttpCode(200)
  async run(
    @Query() { dryRun }: ImportDto,
    @Req() request: express.Request,
    @Res({ passthrough: true }) response: express.Response,
  ): Promise<ImportOutcome> {
    const type = acceptedType(request, ['application/json', 'multipart/form-data']);
    assertNotEncoded(request);
    if (Number(request.headers['content-length'] ?? 0) > this.imports.maxBodyBytes) throw this.tooLarge();
    const take = (chunks: AsyncIterable<Buffer>) => this.imports.run(this.bounded(chunks), dryRun === '1');
    return type === 'application/json' ? take(bodyOf(request)) : receiveFile(request, response, take);
  }

  private async *bounded(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > this.imports.maxBodyBytes) throw this.tooLarge();
      yield chunk;
    }
  }

  private tooLarge(): DomainError<ErrorCode> {
    const megabytes = Math.floor(this.imports.maxBodyBytes / 1024 / 1024);
    return new DomainError('body_too_large', `An import may be at most ${megabytes} MB.`);
  }
}

/** Leaves the request open where reading stops early, so that the client still gets to read why. */
async function* bodyOf(request: express.Request): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) yield chunk as Buffer; // no encoding is set on a request
  } catch (error) {
    throw request.errored ? clientGone(request.errored) : error;
  }
}
