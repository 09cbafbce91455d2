/** Injection token of the place where tenants run (`Platform`). Chosen in choose-platform.ts; nobody else asks which it is. */
export const PLATFORM = Symbol('PLATFORM');
