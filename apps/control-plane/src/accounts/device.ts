import Bowser from 'bowser';

/** What a User-Agent says it is, as in `Firefox on Linux` or `curl`. Anybody can write anything into it. */
export function deviceOf(userAgent: string | null): string {
  if (!userAgent?.trim()) return 'Unknown';
  const { browser, os } = Bowser.parse(userAgent);
  const product = browser.name || (/^[\w.-]{1,40}(?=\/|$)/.exec(userAgent)?.[0] ?? 'Unknown');
  return os.name ? `${product} on ${os.name}` : product;
}
