import { setTimeout as sleep } from 'node:timers/promises';

/** Polls until `check` gives something truthy, and gives that. Fails with what was waited for. */
export async function until<T>(
  check: () => T | Promise<T>,
  options: { ms?: number; what?: string | (() => string); pollMs?: number } = {},
): Promise<Exclude<T, null | undefined | false | 0 | ''>> {
  const deadline = Date.now() + (options.ms ?? 15_000);
  for (;;) {
    const value = await check();
    if (value) return value as Exclude<T, null | undefined | false | 0 | ''>;
    if (Date.now() > deadline) {
      const what = typeof options.what === 'function' ? options.what() : (options.what ?? check.toString());
      throw new Error(`Waited ${options.ms ?? 15_000} ms in vain for ${what}`);
    }
    await sleep(options.pollMs ?? 10);
  }
}
