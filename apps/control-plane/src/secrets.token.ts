/** Injection token: The session secrets, first one signs: a non-empty list of texts. */
export const SECRETS = Symbol('SECRETS');
