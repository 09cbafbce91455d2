import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { ControlPlaneError } from '../error-codes';

/** A body, where one came, must be a JSON object and say so: forms of other sites cannot. Throws `unsupported_media_type` and `bad_request`. */
@Injectable()
export class JsonBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request>();
    if (hasBody(request) && !request.is('application/json'))
      throw new ControlPlaneError('unsupported_media_type', 'Send JSON, with Content-Type: application/json.');
    if (Array.isArray(request.body)) throw new ControlPlaneError('bad_request', 'The body must be a JSON object.');
    return true;
  }
}

/** `request.is` takes a `Content-Length: 0`, which every POST without a body has, for a body. */
function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
