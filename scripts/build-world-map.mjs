// Draws dist/pages/world-map.svg, the land of the world as one path: Natural Earth's outline (public domain), as the package world-atlas
// ships it, by Mercator's projection in degrees. `pages/world-map.ts` of the control plane places the regions on it.
import { geoMercator, geoPath } from 'd3-geo';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { feature } from 'topojson-client';

const file = join(import.meta.dirname, '..', 'dist', 'pages', 'world-map.svg');
const world = createRequire(import.meta.url)('world-atlas/land-110m.json');

/** The picture in degrees: left, top, width and height. */
const BOX = [-170, -108, 350, 172];
/** The path counts in quarters of a degree, half a pixel where the map is at its largest. */
const STEPS = 4;
/** Steps between points that are told apart. */
const MIN_DISTANCE = 1.5;
/** Seen on light and on dark alike: an image does not take the colours of its page. */
const FILL = 'fill="#8a958e" fill-opacity=".42"';

const [left, top, width, height] = BOX.map((degrees) => degrees * STEPS);
const projection = geoMercator()
  .scale((180 / Math.PI) * STEPS)
  .translate([0, 0])
  .clipExtent([
    [left, top],
    [left + width, top + height],
  ]);

/** What d3 draws on, as on a canvas: whole steps, each from the one before; what is too small to be seen is left out. */
class Outline {
  d = '';
  #ring = [];

  moveTo(x, y) {
    this.#ring = [[Math.round(x), Math.round(y)]];
  }

  lineTo(x, y) {
    const point = [Math.round(x), Math.round(y)];
    const last = this.#ring.at(-1);
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) > MIN_DISTANCE) this.#ring.push(point);
  }

  closePath() {
    if (this.#ring.length < 4) return;
    let [x, y] = [0, 0];
    this.#ring.forEach((point, i) => {
      const [dx, dy] = [point[0] - x, point[1] - y];
      [x, y] = point;
      if (i === 0) this.d += `M${x} ${y}l`;
      else this.d += `${i > 1 && dx >= 0 ? ' ' : ''}${dx}${dy >= 0 ? ' ' : ''}${dy}`;
    });
    this.d += 'z';
  }
}

const outline = new Outline();
geoPath(projection, outline)(feature(world, world.objects.land));

mkdirSync(dirname(file), { recursive: true });
writeFileSync(
  file,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${BOX.join(' ')}"><path ${FILL} transform="scale(${1 / STEPS})" d="${outline.d}"/></svg>\n`,
);
