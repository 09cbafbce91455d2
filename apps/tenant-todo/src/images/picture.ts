import { DomainError } from '@app/common/errors/domain-error';
import { createHash } from 'node:crypto';
import { promises } from 'node:fs'; // loaded when used, unlike node:fs/promises
import type { ErrorCode } from '../error-codes';
import { IMAGE_FIELD, refusedField } from './uploads';

export interface Picture {
  mimeType: string;
  sha256: string;
  data: Buffer;
}

/** What file-type calls the bytes, and what they are served as. SVG is not here: it is a program. */
const SERVED_AS: Readonly<Record<string, string>> = {
  'image/png': 'image/png',
  'image/apng': 'image/png',
  'image/jpeg': 'image/jpeg',
  'image/gif': 'image/gif',
  'image/webp': 'image/webp',
  'image/avif': 'image/avif',
};

export const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'image/avif': 'avif',
};

/** file-type also asks that the chunks after it are in order, which browsers do not: a damaged picture is kept as the PNG that it is. */
const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

/** Takes the whole file into memory: see `UploadTurns`. The type is what the bytes say; name and announced type are not looked at. */
export async function readPicture(path: string): Promise<Picture> {
  return pictureOf(await promises.readFile(path));
}

/** Throws `image_type_unsupported`, `validation_failed`. */
export async function pictureOf(data: Buffer): Promise<Picture> {
  if (data.length === 0) throw refusedField(IMAGE_FIELD, 'The file is empty.');
  const mimeType = await typeOf(data);
  return { data, mimeType, sha256: createHash('sha256').update(data).digest('hex') };
}

async function typeOf(data: Buffer): Promise<string> {
  const { fileTypeFromBuffer } = await import('file-type'); // at the first picture: a wake does not need it
  const found = await fileTypeFromBuffer(data);
  const isPng = data.subarray(0, PNG_SIGNATURE.length).equals(PNG_SIGNATURE);
  const mimeType = isPng ? 'image/png' : SERVED_AS[found?.mime ?? ''];
  if (mimeType !== undefined) return mimeType;
  const message = 'A picture has to be a PNG, JPEG, GIF, WebP or AVIF file.';
  throw new DomainError<ErrorCode>('image_type_unsupported', message, { fields: [{ field: IMAGE_FIELD, message }] });
}
