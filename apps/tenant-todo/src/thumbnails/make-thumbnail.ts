import type { Metadata } from 'sharp';

export const THUMBNAIL_TYPE = 'image/webp';
const LONGEST_SIDE_PX = 256;

/** A bomb is a small file that unpacks to a picture that fills the memory. Row by row, so large a one can be read. */
const MAX_PIXELS = 100_000_000;
/** What a picture may take that has to be unpacked whole. The machine has little more than its own size left. */
const MAX_UNPACKED_BYTES = 150_000_000;

/** Gives null for a picture that cannot be read, or would take too much memory to. Of an animated one, the first frame. */
export async function makeThumbnail(picture: Buffer): Promise<Buffer | null> {
  const sharp = await loadSharp();
  try {
    // What is damaged is shown as far as it goes, as browsers do.
    const image = sharp(picture, { limitInputPixels: MAX_PIXELS, failOn: 'none', sequentialRead: true });
    if (unpackedBytes(await image.metadata()) > MAX_UNPACKED_BYTES) return null;
    return await image
      .autoOrient()
      .resize(LONGEST_SIDE_PX, LONGEST_SIDE_PX, { fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 75 })
      .toBuffer();
  } catch {
    return null; // libvips has a text for each way of being broken; all mean the same here
  }
}

const LOADERS = ['Jpeg', 'Png', 'Nsgif', 'Webp', 'Heif'].map((name) => `VipsForeignLoad${name}Buffer`);

let loading: Promise<typeof import('sharp')> | undefined;

/** At the first picture: it takes 150 ms and 40 MB, and most wakes show none that is new. */
function loadSharp(): Promise<typeof import('sharp')> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.concurrency(1);
    sharp.cache(false); // no picture is read twice
    sharp.block({ operation: ['VipsForeignLoad'] }); // libvips also reads formats that are programs
    sharp.unblock({ operation: LOADERS });
    return sharp;
  });
  return loading;
}

/** Memory that reading takes at its peak, measured with libvips 8.18 and rounded up. */
function unpackedBytes({ format, width, height, isProgressive, depth }: Metadata): number {
  return width * height * bytesPerPixel(format, isProgressive ?? false) * (depth === 'ushort' ? 2 : 1);
}

function bytesPerPixel(format: Metadata['format'], isProgressive: boolean): number {
  switch (format) {
    case 'jpeg':
      return isProgressive ? 6 : 0; // else row by row
    case 'png':
      return isProgressive ? 5 : 0;
    case 'webp':
      return 4;
    case 'gif':
      return 5;
    default:
      return 16; // AVIF
  }
}
