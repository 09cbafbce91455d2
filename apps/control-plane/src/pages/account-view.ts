import type { ApiToken } from '../accounts/api-token.entity';
import { deviceOf } from '../accounts/device';
import type { Session } from '../accounts/session.entity';
import { publicIdOf } from '../accounts/sessions.service';
import { SCOPES, type Scope } from '../front-door/token-scopes';
import { regionName } from '../tenants/regions';
import type { Deletion } from '../tenants/tenants.service';
import type { TenantResponse } from '../tenants/tenant-response';
import type { AccountAction } from './account-actions';
import type { FlashMessage } from './flash';
import type { RefusedPost } from './form-refusal';
import { formView, textOf, type ErrorsView, type FieldView, type FormView } from './form-view';
import { dayView, momentView, type TimeView } from './time-text';

const DAYS_PROPOSED = '30';

const SCOPE_TEXTS = {
  'todos:read': 'read to-dos, pictures and the state of the app',
  'todos:write': 'add, change and delete to-dos and pictures',
  account: 'see and change the account, its sessions and tokens',
} as const satisfies Record<Scope, string>;

/** A form that was refused, with what was typed. */
export interface RefusedAction {
  action: AccountAction;
  post: RefusedPost;
  typed: unknown;
}

export interface AccountFacts {
  email: string;
  sessionHash: string;
  tenant: TenantResponse | null;
  sessions: readonly Session[];
  tokens: readonly ApiToken[];
  flash: FlashMessage | null;
  refused: RefusedAction | null;
}

export interface AccountView {
  title: string;
  email: string;
  app: { name: string; region: string; regionName: string } | null;
  password: SectionView & FormView<'current' | 'new'>;
  sessions: SectionView & { items: SessionView[]; hasOthers: boolean };
  tokens: SectionView & {
    items: TokenView[];
    made: { name: string; token: string } | null;
    form: FormView<'name' | 'expiresInDays'> & { scopes: ScopeView[]; scopeError: string | null };
  };
  deletion: FormView<'password'>;
}

/** What a section says of the last form: that it went through, or what was wrong. */
interface SectionView {
  notice: string | null;
  errors: ErrorsView | null;
}

interface SessionView {
  id: string;
  device: string;
  address: string | null;
  since: TimeView;
  lastUsed: TimeView;
  isCurrent: boolean;
}

interface TokenView {
  id: string;
  name: string;
  scopes: string[];
  expires: TimeView;
  lastUsed: TimeView | null;
}

interface ScopeView {
  name: Scope;
  text: string;
  isChosen: boolean;
}

export function accountView(facts: AccountFacts): AccountView {
  const { email, tenant, sessionHash, flash } = facts;
  const region = tenant?.regions[0]?.region;
  return {
    title: 'Account',
    email,
    app: tenant && region ? { name: tenant.appName, region, regionName: regionName(region) } : null,
    password: {
      notice: noticeOf(flash, 'password'),
      ...formView(['current', 'new'], { prefix: 'change-', problem: problemOf(facts, 'password') }),
    },
    sessions: {
      notice: noticeOf(flash, 'sessions'),
      errors: errorsOf(facts, 'revoke-session', 'revoke-others'),
      items: currentFirst(facts.sessions.map((session) => sessionView(session, sessionHash))),
      hasOthers: facts.sessions.some(({ idHash }) => idHash !== sessionHash),
    },
    tokens: {
      notice: noticeOf(flash, 'tokens'),
      errors: errorsOf(facts, 'revoke-token'),
      items: facts.tokens.map(tokenView),
      made: flash?.about === 'new-token' ? { name: flash.name, token: flash.token } : null,
      form: tokenForm(facts),
    },
    deletion: formView(['password'], { problem: problemOf(facts, 'delete') }),
  };
}

/** What somebody sees whose account is gone or going. */
export interface DeletionView {
  title: string;
  isDone: boolean;
  requested: TimeView;
  ended: TimeView | null;
  trouble: string | null;
}

export function deletionView({ requestedAt, endedAt, lastError }: Deletion): DeletionView {
  const isDone = endedAt !== null;
  return {
    title: isDone ? 'Your account is deleted' : 'Your account is being deleted',
    isDone,
    requested: momentView(requestedAt),
    ended: isDone ? momentView(endedAt) : null,
    trouble: isDone ? null : lastError,
  };
}

function currentFirst(sessions: SessionView[]): SessionView[] {
  return sessions.sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent));
}

function sessionView(session: Session, currentHash: string): SessionView {
  return {
    id: publicIdOf(session.idHash),
    device: deviceOf(session.userAgent),
    address: session.address,
    since: dayView(session.createdAt),
    lastUsed: momentView(session.lastSeenAt),
    isCurrent: session.idHash === currentHash,
  };
}

function tokenView(token: ApiToken): TokenView {
  return {
    id: token.id,
    name: token.name,
    scopes: token.scope.split(' '),
    expires: dayView(token.expiresAt),
    lastUsed: token.lastUsedAt === null ? null : momentView(token.lastUsedAt),
  };
}

function tokenForm(facts: AccountFacts): AccountView['tokens']['form'] {
  const problem = problemOf(facts, 'create-token');
  const typed = facts.refused?.action === 'create-token' ? facts.refused.typed : { expiresInDays: DAYS_PROPOSED };
  const chosen = chosenScopes(typed);
  const { fields, errors } = formView(['name', 'expiresInDays', 'scope'], { prefix: 'token-', values: typed, problem });
  const { name, expiresInDays } = fields satisfies Record<string, FieldView>;
  return {
    fields: { name, expiresInDays },
    errors,
    scopes: SCOPES.map((scope) => ({ name: scope, text: SCOPE_TEXTS[scope], isChosen: chosen.includes(scope) })),
    scopeError: fields.scope.error,
  };
}

/** One box that is ticked comes as a text, several as a list. */
function chosenScopes(typed: unknown): string[] {
  const one = textOf(typed, 'scope');
  if (one) return [one];
  const several = (typed as { scope?: unknown } | null)?.scope;
  return Array.isArray(several) ? several.filter((scope) => typeof scope === 'string') : [];
}

function noticeOf(flash: FlashMessage | null, about: FlashMessage['about']): string | null {
  return flash && flash.about === about && 'text' in flash ? flash.text : null;
}

function problemOf({ refused }: AccountFacts, ...actions: AccountAction[]): RefusedPost['problem'] | null {
  return refused && actions.includes(refused.action) ? refused.post.problem : null;
}

function errorsOf(facts: AccountFacts, ...actions: AccountAction[]): ErrorsView | null {
  return formView([], { problem: problemOf(facts, ...actions) }).errors;
}
