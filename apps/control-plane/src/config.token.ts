/** Injection token: The control plane's configuration, read once in main.ts. */
export const CONFIG = Symbol('CONFIG');
