/** The nine regions, by Fly's codes, with the names that people know. */
export const REGIONS = [
  { code: 'iad', name: 'Ashburn, Virginia (US)' },
  { code: 'ord', name: 'Chicago, Illinois (US)' },
  { code: 'lax', name: 'Los Angeles, California (US)' },
  { code: 'lhr', name: 'London, United Kingdom' },
  { code: 'ams', name: 'Amsterdam, Netherlands' },
  { code: 'fra', name: 'Frankfurt, Germany' },
  { code: 'syd', name: 'Sydney, Australia' },
  { code: 'nrt', name: 'Tokyo, Japan' },
  { code: 'sin', name: 'Singapore, Singapore' },
] as const;

export type RegionCode = (typeof REGIONS)[number]['code'];

export const REGION_CODES: readonly RegionCode[] = REGIONS.map(({ code }) => code);

/** The name of a region, or the code itself for one that is not ours. */
export function regionName(code: string): string {
  return REGIONS.find((region) => region.code === code)?.name ?? code;
}
