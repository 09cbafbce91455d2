import { MAX_IMAGE_BYTES } from '../src/images/uploads';

/** The smallest PNG there is. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** A picture of exactly so many bytes: a PNG and then anything, which is how far its type is looked at. */
export function pngOf(bytes: number, fill = 1): Buffer {
  return Buffer.concat([PNG, Buffer.alloc(bytes - PNG.length, fill)]);
}

export const LARGEST_PNG = pngOf(MAX_IMAGE_BYTES);

/** One file of each kind that is taken, by its first bytes, and what it is served as. */
export const PICTURES: Record<string, Buffer> = {
  'image/png': PNG,
  'image/jpeg': Buffer.concat([Buffer.from('ffd8ffe000104a46494600010100000100010000ffdb', 'hex'), Buffer.alloc(64)]),
  'image/gif': Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'),
  'image/webp': Buffer.from('UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vuUAAA=', 'base64'),
  'image/avif': Buffer.concat([
    Buffer.from('000000206674797061766966000000006176696d6966316d696166', 'hex'),
    Buffer.alloc(64),
  ]),
};

export function formWith(parts: Record<string, string | Buffer>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(parts)) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, new Blob([new Uint8Array(value)]), 'picture.png');
  }
  return form;
}
