import { DomainError } from '@app/common/errors/domain-error';
import { promises } from 'node:fs';
import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Staging } from '../database/staging';
import type { ErrorCode } from '../error-codes';
import { bodyTooLarge, MAX_TEXT_BODY_BYTES } from '../http/json-body';

export const MAX_IMAGE_BYTES = 5 * 1024 * 1024;
export const IMAGE_FIELD = 'image';

/** A picture, its form and what is read away of one that is too large; past it the connection ends. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;

export type Receive = (request: Request, response: Response, next: (error?: unknown) => void) => void;

/**
 * Multipart bodies: texts into `request.body`, the one file under `image` into `request.file`, on disk. Whoever called `receive`
 * calls `discard` in the end.
 */
@Injectable()
export class Uploads {
  private receiver: Promise<Receive> | undefined;

  constructor(private readonly staging: Staging) {}

  /** Throws a `DomainError`: `image_too_large`, `body_too_large`, `validation_failed` or `multipart_malformed`. */
  async receive(request: Request, response: Response): Promise<void> {
    if (Number(request.headers['content-length'] ?? 0) > MAX_REQUEST_BYTES) throw imageTooLarge();
    this.receiver ??= createReceiver(this.staging.directory);
    const receive = await this.receiver;
    await new Promise<void>((resolve, reject) => {
      let bytes = 0;
      const count = (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_REQUEST_BYTES) reject(imageTooLarge()); // multer itself would read on for ever
      };
      request.on('data', count);
      receive(request, response, (error) => {
        request.off('data', count);
        if (bytes > MAX_REQUEST_BYTES)
          void this.discard(request); // refused above
        else if (error) reject(toDomainError(error));
        else resolve();
      });
    });
  }

  async discard(request: Request): Promise<void> {
    if (request.file) await promises.rm(request.file.path, { force: true });
  }
}

/** Loaded at the first picture: most wakes see none. */
async function createReceiver(directory: string): Promise<Receive> {
  const { default: multer } = await import('multer');
  return multer({
    storage: multer.diskStorage({ destination: directory }), // random names; the client's is never used
    limits: {
      fileSize: MAX_IMAGE_BYTES,
      files: 1,
      fields: 16,
      parts: 17,
      fieldSize: MAX_TEXT_BODY_BYTES,
      fieldNameSize: 100,
      headerPairs: 20,
    },
  }).single(IMAGE_FIELD) as Receive; // the types of Express twice: multer's own and ours
}

function toDomainError(error: unknown): DomainError<ErrorCode> {
  const { code, field } = error as { code?: string; field?: string };
  switch (code) {
    case 'LIMIT_FILE_SIZE':
      return imageTooLarge(error);
    case 'LIMIT_FIELD_VALUE':
      return bodyTooLarge();
    case 'LIMIT_UNEXPECTED_FILE':
      return field === IMAGE_FIELD
        ? refusedField(IMAGE_FIELD, 'Send one picture, not several.', error)
        : refusedField(field ?? '', 'A file is expected in the field `image` only.', error);
    case 'LIMIT_FILE_COUNT':
      return refusedField(IMAGE_FIELD, 'Send one picture, not several.', error);
    case 'LIMIT_FIELD_COUNT':
    case 'LIMIT_PART_COUNT':
      return refusedField('', 'The form has too many fields.', error);
    case 'LIMIT_FIELD_KEY':
    case 'MISSING_FIELD_NAME':
    case 'INVALID_FIELD_NAME':
      return refusedField(field ?? '', 'The form has a field whose name is not known here.', error);
    case 'ENOSPC':
      return new DomainError('storage_full', 'The volume is full. Remove some pictures and try again.', {
        cause: error,
      });
    default:
      return multipartMalformed(error);
  }
}

export function multipartMalformed(cause: unknown): DomainError<ErrorCode> {
  return new DomainError('multipart_malformed', 'The form could not be read: it is not whole multipart/form-data.', {
    cause,
  });
}

export function imageTooLarge(cause?: unknown): DomainError<ErrorCode> {
  const message = `A picture may have at most 5 MB (${MAX_IMAGE_BYTES} bytes).`;
  return new DomainError('image_too_large', `${message} Nothing was stored.`, {
    cause,
    fields: [{ field: IMAGE_FIELD, message }],
  });
}

export function refusedField(field: string, message: string, cause?: unknown): DomainError<ErrorCode> {
  return new DomainError('validation_failed', message, { cause, fields: [{ field, message }] });
}
