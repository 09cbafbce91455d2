import { Controller, HttpCode, Post, Query, Req } from '@nestjs/common';
import { IsIn } from 'class-validator';
import type * as express from 'express'; // `Request` by itself would put the global one into the metadata, and load fetch
import { DomainError } from '@app/common/errors/domain-error';
import type { ErrorCode } from '../error-codes';
import { acceptedType } from '../http/body.interceptor';
import { assertNotEncoded, clientGone } from '../http/json-body';
import { ImportService, type ImportOutcome } from './import.service';

export class ImportDto {
  @IsIn(['0', '1'], { message: '`dryRun` is 1 to change nothing, or 0.' })
  dryRun = '0';
}

@Controller('import')
export class ImportController {
  constructor(private readonly imports: ImportService) {}

  @Post()
  @HttpCode(200)
  async run(@Query() { dryRun }: ImportDto, @Req() request: express.Request): Promise<ImportOutcome> {
    acceptedType(request, ['application/json']);
    assertNotEncoded(request);
    return this.imports.run(this.bodyOf(request), dryRun === '1');
  }

  /** Leaves the request open where reading stops early, so that the client still gets to read why. */
  private async *bodyOf(request: express.Request): AsyncGenerator<Buffer> {
    const limit = this.imports.maxBodyBytes;
    if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
    let bytes = 0;
    try {
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        bytes += (chunk as Buffer).length; // no encoding is set on a request
        if (bytes > limit) throw tooLarge(limit);
        yield chunk as Buffer;
      }
    } catch (error) {
      throw request.errored ? clientGone(request.errored) : error;
    }
  }
}

function tooLarge(limit: number): DomainError<ErrorCode> {
  return new DomainError('body_too_large', `An import may be at most ${Math.floor(limit / 1024 / 1024)} MB.`);
}
