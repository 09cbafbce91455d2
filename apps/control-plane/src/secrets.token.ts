/** Injection token of the session secrets, a non-empty list: the first signs, all verify. */
export const SECRETS = Symbol('SECRETS');
