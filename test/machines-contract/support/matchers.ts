/** Jest's matchers as what they stand for: something unknown, not `any`. */
export const aText: unknown = expect.any(String);
export const aNumber: unknown = expect.any(Number);
export const textLike = (pattern: RegExp): unknown => expect.stringMatching(pattern);
