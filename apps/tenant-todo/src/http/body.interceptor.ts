import { DomainError } from '@app/common/errors/domain-error';
import {
  applyDecorators,
  Injectable,
  SetMetadata,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { finalize, type Observable } from 'rxjs';
import type { ErrorCode } from '../error-codes';
import { Uploads } from '../images/uploads';
import { readJsonBody } from './json-body';

export type BodyType = 'application/json' | 'multipart/form-data';

const BODY_TYPES = 'bodyTypes';

/** The media types that a route reads; another one is 415 before a byte of it is read. */
export function ReadsBody(...types: BodyType[]): MethodDecorator {
  return applyDecorators(SetMetadata(BODY_TYPES, types), UseInterceptors(BodyInterceptor));
}

/** Reads the body only when a route was found that wants it, and clears away the file of it when the answer is made. */
@Injectable()
export class BodyInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly uploads: Uploads,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<Request>();
    const accepted = this.reflector.get<BodyType[]>(BODY_TYPES, context.getHandler());
    switch (acceptedType(request, accepted)) {
      case 'application/json':
        request.body = await readJsonBody(request);
        return next.handle();
      case 'multipart/form-data':
        await this.uploads.receive(request, context.switchToHttp().getResponse<Response>());
        return next.handle().pipe(finalize(() => void this.uploads.discard(request)));
    }
  }
}

/** Throws `unsupported_media_type`. */
export function acceptedType(request: Request, accepted: BodyType[]): BodyType {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '').toLowerCase().split(';');
  const found = accepted.find((candidate) => candidate === type.trim());
  const charset = parameters.map((p) => p.trim()).find((p) => p.startsWith('charset='));
  if (found && (found !== 'application/json' || !charset || /^charset="?utf-8"?$/.test(charset))) return found;
  throw new DomainError<ErrorCode>('unsupported_media_type', `Send the body as ${accepted.join(' or ')}, in UTF-8.`);
}
