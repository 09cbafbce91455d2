import type { ApiToken } from '../accounts/api-token.entity';
import { deviceOf } from '../accounts/device';
import type { Session } from '../accounts/session.entity';
import { publicIdOf } from '../accounts/sessions.service';

/** One signed-in browser or client. Times ISO 8601. */
export interface SessionResponse {
  id: string;
  /** From the User-Agent, as in `Firefox on Linux`. */
  device: string;
  /** Where it signed in from. */
  address: string | null;
  createdAt: string;
  /** To the minute. */
  lastUsedAt: string;
  expiresAt: string;
  /** It is the one that asks. */
  isCurrent: boolean;
}

/** One API token, never the token itself. Times ISO 8601. */
export interface ApiTokenResponse {
  id: string;
  name: string;
  scope: string[];
  createdAt: string;
  /** To the minute; null where it was not used yet. */
  lastUsedAt: string | null;
  expiresAt: string;
}

export function toSessionResponse(session: Session, currentHash: string): SessionResponse {
  return {
    id: publicIdOf(session.idHash),
    device: deviceOf(session.userAgent),
    address: session.address,
    createdAt: isoOf(session.createdAt),
    lastUsedAt: isoOf(session.lastSeenAt),
    expiresAt: isoOf(session.expiresAt),
    isCurrent: session.idHash === currentHash,
  };
}

export function toApiTokenResponse(token: ApiToken): ApiTokenResponse {
  return {
    id: token.id,
    name: token.name,
    scope: token.scope.split(' '),
    createdAt: isoOf(token.createdAt),
    lastUsedAt: token.lastUsedAt === null ? null : isoOf(token.lastUsedAt),
    expiresAt: isoOf(token.expiresAt),
  };
}

function isoOf(at: number): string {
  return new Date(at).toISOString();
}
