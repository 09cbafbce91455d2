/** Injection token: Where the time comes from. */
export const CLOCK = Symbol('CLOCK');
