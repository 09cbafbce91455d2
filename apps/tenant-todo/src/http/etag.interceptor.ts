import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { Response } from 'express';
import { tap, type Observable } from 'rxjs';
import { TenantDatabase } from '../database/tenant-database';
import { etagOf } from './etag';

/** Puts the ETag on a JSON answer; Express then answers 304 by itself where `If-None-Match` has it. */
@Injectable()
export class EtagInterceptor implements NestInterceptor {
  constructor(private readonly database: TenantDatabase) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const response = context.switchToHttp().getResponse<Response>();
    return next.handle().pipe(
      tap((content: unknown) => {
        response.setHeader('ETag', etagOf(this.database.databaseId, content));
      }),
    );
  }
}
