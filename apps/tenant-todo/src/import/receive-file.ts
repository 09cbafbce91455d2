import { DomainError } from '@app/common/errors/domain-error';
import type { Request, Response } from 'express';
import { multipartMalformed, refusedField, type Receive } from '../images/uploads';

const FILE_FIELD = 'file';

/**
 * What `take` makes of the file of a form, which it reads as it comes in; nothing of it is kept here.
 * Throws what `take` throws, `validation_failed` where there is no such file, or `multipart_malformed`.
 */
export async function receiveFile<T>(
  request: Request,
  response: Response,
  take: (chunks: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  const { default: multer } = await import('multer'); // most wakes see no form
  let taking = null as Promise<T> | null;
  const receive = multer({
    limits: { files: 1, fields: 4, parts: 5, fieldSize: 1024, fieldNameSize: 100, headerPairs: 20 },
    storage: {
      _handleFile(_request, { stream }, done) {
        taking = take(stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>);
        taking.then(
          () => done(null),
          (error: unknown) => (stream.resume(), done(error)),
        );
      },
      _removeFile: (_request, _file, done) => done(null),
    },
  }).single(FILE_FIELD) as Receive; // the types of Express twice: multer's own and ours
  await new Promise<void>((resolve, reject) => {
    receive(request, response, (error) => (error ? reject(toDomainError(error)) : resolve()));
  });
  if (!taking) throw refusedField(FILE_FIELD, 'Choose the file to import.');
  return taking;
}

function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error as DomainError;
  const { code, field } = error as { code?: string; field?: string };
  if (code?.startsWith('LIMIT_')) {
    return refusedField(field ?? '', `Send one file, in the field \`${FILE_FIELD}\`, and nothing else.`, error);
  }
  return multipartMalformed(error);
}
