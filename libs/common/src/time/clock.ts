/** Where the time comes from, so that deadlines and expiries can be tested without waiting. Milliseconds since the epoch. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
