import { invalid } from './api-error';

/** Any region's code; of a priority list ("iad,ord") the first, as there is room in every region here. */
export function parseRegion(value: unknown): string {
  const first = typeof value === 'string' ? (value.split(',')[0] ?? '').trim() : '';
  if (!/^[a-z][a-z0-9]{1,15}$/.test(first)) throw invalid('region is required, such as "iad"');
  return first;
}
