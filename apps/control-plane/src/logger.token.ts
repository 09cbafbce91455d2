/** Injection token: The process's logger. */
export const LOGGER = Symbol('LOGGER');
