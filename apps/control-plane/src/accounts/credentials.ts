import { isEmail } from 'class-validator';

const MAX_EMAIL = 254; // RFC 5321, with its brackets taken off
const PASSWORD_CHARACTERS = { min: 8, max: 256 } as const;

/** An e-mail address as it is stored and compared. */
export function normaliseEmail(typed: string): string {
  return typed.normalize('NFKC').trim().toLowerCase();
}

/** Why an e-mail address cannot be taken, or null. */
export function emailProblem(typed: unknown): string | null {
  if (typeof typed !== 'string' || typed.trim() === '') return 'Enter your e-mail address.';
  const email = normaliseEmail(typed);
  if (email.length > MAX_EMAIL) return `An e-mail address has at most ${MAX_EMAIL} characters.`;
  return isEmail(email) ? null : 'This does not look like an e-mail address: it should be like name@example.org.';
}

/** Why a password cannot be taken, or null. Characters are counted as code points; nothing is trimmed. */
export function newPasswordProblem(typed: unknown): string | null {
  if (typeof typed !== 'string' || typed === '') return 'Choose a password.';
  const characters = [...typed].length;
  if (characters < PASSWORD_CHARACTERS.min) return `Use at least ${PASSWORD_CHARACTERS.min} characters.`;
  if (characters > PASSWORD_CHARACTERS.max) return `Use at most ${PASSWORD_CHARACTERS.max} characters.`;
  return null;
}
