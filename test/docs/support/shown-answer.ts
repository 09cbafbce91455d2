import type { Code } from 'mdast';

/**
 * Compares what a page shows with what came: null, or what differs. A `json` block is compared value by value, a text with `…` in it
 * standing for any text. Each line of a `text` block has to come, in their order; `…` in it stands for anything.
 */
export function differenceFrom(shown: Code, actual: string): string | null {
  return shown.lang === 'json'
    ? differingValue(JSON.parse(shown.value), parsed(actual), '')
    : missingLine(shown.value, actual);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return `(no JSON) ${text}`;
  }
}

function differingValue(shown: unknown, actual: unknown, path: string): string | null {
  if (typeof shown === 'string' && shown.includes('…')) {
    return typeof actual === 'string' && actual !== '' ? null : `${path}: a text is shown, ${said(actual)} came`;
  }
  if (Array.isArray(shown)) {
    if (!Array.isArray(actual) || actual.length !== shown.length)
      return `${path}: ${said(shown)} is shown, ${said(actual)} came`;
    return firstOf(shown.map((value, i) => differingValue(value, actual[i], `${path}[${i}]`)));
  }
  if (isObject(shown)) {
    if (!isObject(actual)) return `${path}: an object is shown, ${said(actual)} came`;
    const [names, came] = [Object.keys(shown).sort().join(' '), Object.keys(actual).sort().join(' ')];
    if (names !== came) return `${path}: the fields ${names} are shown, ${came} came`;
    return firstOf(Object.keys(shown).map((name) => differingValue(shown[name], actual[name], `${path}.${name}`)));
  }
  return shown === actual ? null : `${path}: ${said(shown)} is shown, ${said(actual)} came`;
}

function missingLine(shown: string, actual: string): string | null {
  const left = actual.split('\n');
  for (const line of shown.split('\n')) {
    const pattern = new RegExp(`^${line.split('…').map(escaped).join('.*')}$`);
    const at = left.findIndex((one) => pattern.test(one));
    if (at < 0) return `the line "${line}" did not come in:\n${actual}`;
    left.splice(0, at + 1);
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const said = (value: unknown) => JSON.stringify(value) ?? 'nothing';
const firstOf = (found: (string | null)[]) => found.find((one) => one !== null) ?? null;
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
