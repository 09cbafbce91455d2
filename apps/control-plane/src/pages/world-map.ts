import { REGION_CODES, regionName, type RegionCode } from '../tenants/regions';

/** Left, top, width and height of the map, in degrees by Mercator's projection; `scripts/build-world-map.mjs` draws the land in the same box. */
export const MAP_BOX = [-170, -108, 350, 172] as const;

/** Of names where all of them stand on the map, so that it is 24 pixels on a phone; where there are few they are larger. */
const NAME_HEIGHT = 27;
const FEW_NAMES_SCALE = 1.4;

/** Where a region is, and the middle of its name: apart from the others, and where a finger finds it on a phone. */
const PLACES = {
  iad: { longitude: -77.5, latitude: 39, name: [-26, -28] },
  ord: { longitude: -87.9, latitude: 42, name: [-118, -74] },
  lax: { longitude: -118.4, latitude: 33.9, name: [-121, -8] },
  lhr: { longitude: -0.5, latitude: 51.5, name: [-48, -66] },
  ams: { longitude: 4.8, latitude: 52.3, name: [32, -92] },
  fra: { longitude: 8.6, latitude: 50, name: [72, -58] },
  syd: { longitude: 151.2, latitude: -33.9, name: [104, 49] },
  nrt: { longitude: 140.4, latitude: 35.8, name: [148, -8] },
  sin: { longitude: 104, latitude: 1.4, name: [48, 21] },
} as const satisfies Record<RegionCode, { longitude: number; latitude: number; name: readonly [number, number] }>;

export interface MapView {
  box: string;
  land: { left: number; top: number; width: number; height: number };
  /** What the picture says, or null where something else beside it says it. */
  label: string | null;
  pins: PinView[];
}

interface PinView {
  code: RegionCode;
  x: number;
  y: number;
  isChosen: boolean;
  name: NameView | null;
}

interface NameView {
  text: string;
  size: number;
  /** The middle. */
  x: number;
  y: number;
  left: number;
  top: number;
  width: number;
  height: number;
  round: number;
}

/** The map with these regions on it; `named`: those whose names stand on it, all where nothing is said. */
export function mapView(
  codes: readonly RegionCode[],
  options: { chosen: readonly string[]; named?: readonly string[]; label?: string },
): MapView {
  const [left, top, width, height] = MAP_BOX;
  const { named } = options;
  const scaleOf = (code: string) => (!named ? 1 : named.includes(code) ? FEW_NAMES_SCALE : null);
  return {
    box: MAP_BOX.join(' '),
    land: { left, top, width, height },
    label: options.label ?? null,
    pins: codes.map((code) => pinView(code, options.chosen.includes(code), scaleOf(code))),
  };
}

/** Where somebody's app is, copies included; `shown`: named on the map as well. */
export function homeMap(homes: readonly string[], ...shown: string[]): MapView {
  const cities = homes.map(cityOf).join(', ');
  return mapView(REGION_CODES, {
    chosen: homes,
    named: [...homes, ...shown],
    label: homes.length > 0 ? `World map: your app is in ${cities}.` : 'World map of the regions.',
  });
}

/** As `Frankfurt` of `Frankfurt, Germany`. */
export function cityOf(code: string): string {
  return regionName(code).split(',')[0] ?? code;
}

function pinView(code: RegionCode, isChosen: boolean, nameScale: number | null): PinView {
  const { longitude, latitude, name } = PLACES[code];
  return {
    code,
    x: longitude,
    y: northing(latitude),
    isChosen,
    name: nameScale === null ? null : nameView(cityOf(code), name, nameScale),
  };
}

function nameView(text: string, [longitude, y]: readonly [number, number], scale: number): NameView {
  const [boxLeft, boxTop, boxWidth, boxHeight] = MAP_BOX;
  const width = Math.round((16 + text.length * 7.3) * scale);
  const height = Math.round(NAME_HEIGHT * scale);
  const left = within(longitude - width / 2, boxLeft, boxLeft + boxWidth - width);
  const top = within(y - height / 2, boxTop, boxTop + boxHeight - height);
  const middle = { x: left + width / 2, y: top + height / 2 };
  return { text, size: 12 * scale, ...middle, left, top, width, height, round: height / 2 };
}

function within(value: number, from: number, to: number): number {
  return Math.min(Math.max(value, from + 1), to - 1);
}

/** Mercator's, in degrees, downwards as in a picture. */
function northing(latitude: number): number {
  const radians = (latitude * Math.PI) / 180;
  const degrees = (Math.log(Math.tan(Math.PI / 4 + radians / 2)) * 180) / Math.PI;
  return -Math.round(degrees * 10) / 10;
}
