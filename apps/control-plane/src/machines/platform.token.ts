/** Injection token of the place where tenants run (`Platform`). Chosen in machines.module.ts; nobody else asks which it is. */
export const PLATFORM = Symbol('PLATFORM');
