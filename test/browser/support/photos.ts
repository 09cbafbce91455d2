import sharp from 'sharp';

/** A JPEG with something to see: a sun above hills, another colour for each `hue` (0 to 359). */
export function photo(width: number, height: number, hue = 200): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300" width="${width}" height="${height}" preserveAspectRatio="none">
    <defs><linearGradient id="sky" x2="0" y2="1"><stop stop-color="hsl(${hue},70%,55%)"/><stop offset="1" stop-color="hsl(${(hue + 60) % 360},80%,85%)"/></linearGradient></defs>
    <rect width="400" height="300" fill="url(#sky)"/><circle cx="290" cy="90" r="38" fill="hsl(48,95%,75%)"/>
    <path d="M0 220 Q90 120 190 210 T400 180 V300 H0Z" fill="hsl(${(hue + 300) % 360},35%,35%)"/>
    <path d="M0 260 Q140 190 260 250 T400 240 V300 H0Z" fill="hsl(${(hue + 300) % 360},45%,22%)"/></svg>`;
  return sharp(Buffer.from(svg)).jpeg({ quality: 82 }).toBuffer();
}

/** As a file that somebody chooses. */
export async function photoFile(width = 640, height = 480, hue = 200) {
  return { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: await photo(width, height, hue) };
}
