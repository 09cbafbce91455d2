/** Injection token of the clock: where the time comes from. */
export const CLOCK = Symbol('CLOCK');
