/** Ends with the signal, or after so long: one call to the platform must not hold up what waits for it. */
export function within(signal: AbortSignal, ms: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ms)]);
}
