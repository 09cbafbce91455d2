import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REGION_CODES } from '../tenants/regions';
import { homeMap, MAP_BOX, mapView } from './world-map';
import { staticDirectories } from './pages-directory';

const land = staticDirectories().flatMap((directory) => {
  try {
    return [readFileSync(join(directory, 'world-map.svg'), 'utf8')];
  } catch {
    return [];
  }
})[0];

describe('the map of the regions', () => {
  it('is drawn by the build in the box in which the regions are placed, and small', () => {
    expect(land).toContain(`viewBox="${MAP_BOX.join(' ')}"`);
    expect(land?.match(/<path/g)).toHaveLength(1);
    expect(land?.length).toBeLessThan(30_000);
  });

  it('has each region on land or at its coast', () => {
    const coast = coastOf(land ?? '');
    for (const { code, x, y } of mapView(REGION_CODES, { chosen: [] }).pins) {
      const isOnLand = coast.filter((ring) => surrounds(ring, x, y)).length % 2 === 1;
      const distance = Math.min(...coast.flat().map(([px, py]) => Math.hypot(px - x, py - y)));
      expect([code, isOnLand || distance < 2]).toEqual([code, true]);
    }
  });

  it.each([320, 424])('keeps the names apart and large enough for a finger on a map %i pixels wide', (pixels) => {
    const [left, top, width, height] = MAP_BOX;
    const { pins } = mapView(REGION_CODES, { chosen: [] });
    for (const { code, name } of pins) {
      if (!name) throw new Error(`${code} has no name.`);
      expect((Math.min(name.width, name.height) * pixels) / width).toBeGreaterThanOrEqual(24);
      expect(name.left).toBeGreaterThan(left);
      expect(name.top).toBeGreaterThan(top);
      expect(name.left + name.width).toBeLessThan(left + width);
      expect(name.top + name.height).toBeLessThan(top + height);
      for (const other of pins) {
        if (other.code === code || !other.name) continue;
        const areApartInX = Math.abs(name.x - other.name.x) >= (name.width + other.name.width) / 2;
        const areApartInY = Math.abs(name.y - other.name.y) >= (name.height + other.name.height) / 2;
        expect([code, other.code, areApartInX || areApartInY]).toEqual([code, other.code, true]);
      }
    }
  });

  it.each(REGION_CODES)('does not hide %s under its own name, however large', (code) => {
    for (const { pins } of [mapView([code], { chosen: [] }), homeMap([code])]) {
      const { x, y, name } = pins.find((pin) => pin.code === code) ?? {};
      if (!name || x === undefined || y === undefined) throw new Error('no pin');
      const isCovered = x > name.left && x < name.left + name.width && y > name.top && y < name.top + name.height;
      expect(isCovered).toBe(false);
    }
  });

  it('says where the app is, with its copies, and names nothing else', () => {
    const { label, pins } = homeMap(['fra', 'syd'], 'iad');
    expect(label).toBe('World map: your app is in Frankfurt, Sydney.');
    expect(pins.filter(({ isChosen }) => isChosen).map(({ code }) => code)).toEqual(['fra', 'syd']);
    expect(pins.filter(({ name }) => name).map(({ code }) => code)).toEqual(['iad', 'fra', 'syd']);
    expect(homeMap([]).label).toBe('World map of the regions.');
  });
});

type Point = [number, number];

/** The rings of the one path, in degrees. */
function coastOf(svg: string): Point[][] {
  const [, scale = '', d = ''] = /transform="scale\((.*?)\)" d="(.*?)"/.exec(svg) ?? [];
  return d
    .split('z')
    .filter(Boolean)
    .map((ring) => {
      const numbers = (ring.match(/-?\d+/g) ?? []).map(Number);
      const points: Point[] = [];
      let at: Point = [0, 0];
      for (let i = 0; i < numbers.length; i += 2) {
        at = [at[0] + (numbers[i] ?? 0), at[1] + (numbers[i + 1] ?? 0)];
        points.push([at[0] * Number(scale), at[1] * Number(scale)]);
      }
      return points;
    });
}

function surrounds(ring: Point[], x: number, y: number): boolean {
  let isInside = false;
  ring.forEach(([x1, y1], i) => {
    const [x2, y2] = ring[(i + 1) % ring.length] ?? [x1, y1];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) isInside = !isInside;
  });
  return isInside;
}
