/** Injection token of the configuration, read once in main.ts. */
export const CONFIG = Symbol('CONFIG');
