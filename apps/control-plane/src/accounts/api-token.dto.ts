import { Transform } from 'class-transformer';
import { SCOPES, type Scope } from '../front-door/token-scopes';
import { Passes } from './passes';

const NAME_CHARACTERS = 100;
const DAYS = { min: 1, max: 365 } as const;

/** What a new API token shall be. `scope` is a list, or one text with spaces between as in OAuth. */
export class ApiTokenDto {
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value))
  @Passes('tokenName', nameProblem)
  name!: string;

  @Passes('tokenDays', daysProblem) expiresInDays!: number;

  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.split(' ').filter(Boolean) : value))
  @Passes('tokenScope', scopeProblem)
  scope!: Scope[];
}

function nameProblem(name: unknown): string | null {
  if (typeof name !== 'string' || name === '') return 'Give the token a name, so that you know it again.';
  if ([...name].length > NAME_CHARACTERS) return `Use at most ${NAME_CHARACTERS} characters.`;
  return /\p{Cc}/u.test(name) ? 'Use no line breaks or control characters.' : null;
}

function daysProblem(days: unknown): string | null {
  if (Number.isInteger(days) && (days as number) >= DAYS.min && (days as number) <= DAYS.max) return null;
  return `Choose a number of days from ${DAYS.min} to ${DAYS.max}.`;
}

function scopeProblem(scope: unknown): string | null {
  const isKnown = (one: unknown) => SCOPES.some((known) => known === one);
  if (Array.isArray(scope) && scope.length > 0 && scope.length <= SCOPES.length && scope.every(isKnown)) return null;
  return `Choose at least one of ${SCOPES.join(', ')}.`;
}
