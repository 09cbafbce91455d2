import { Injectable } from '@nestjs/common';
import { AccountsService } from '../accounts/accounts.service';
import { ApiTokenDto } from '../accounts/api-token.dto';
import { ApiTokensService } from '../accounts/api-tokens.service';
import { ChangePasswordDto } from '../accounts/change-password.dto';
import { PasswordDto } from '../accounts/credentials.dto';
import { DeletionProofs } from '../accounts/deletion-proofs';
import { publicIdOf, SessionsService } from '../accounts/sessions.service';
import { ControlPlaneError } from '../error-codes';
import type { SignedIn } from '../front-door/request-context';
import type { FlashMessage } from './flash';
import { textOf } from './form-view';
import { readForm } from './read-form';

const ACTIONS = ['password', 'revoke-session', 'revoke-others', 'create-token', 'revoke-token', 'delete'] as const;
export type AccountAction = (typeof ACTIONS)[number];

/** What comes of a form: something to say on the same page, or the way out. */
export type AccountOutcome = { kind: 'done'; message: FlashMessage } | { kind: 'signedOut'; location: string };

/** What a form of the account page asks for. Throws `bad_request` where it does not say. */
export function accountActionOf(body: unknown): AccountAction {
  const named = textOf(body, 'action');
  const action = ACTIONS.find((one) => one === named);
  if (action) return action;
  throw new ControlPlaneError('bad_request', 'The form does not say what to do: its field action is missing.');
}

/** The forms of the account page, each a call of the service that has the rules. */
@Injectable()
export class AccountActions {
  constructor(
    private readonly accounts: AccountsService,
    private readonly sessions: SessionsService,
    private readonly tokens: ApiTokensService,
    private readonly proofs: DeletionProofs,
  ) {}

  /** Throws what the services throw, and `validation_failed`. */
  async run(action: AccountAction, by: SignedIn, body: unknown, address: string): Promise<AccountOutcome> {
    switch (action) {
      case 'password':
        await this.accounts.changePassword(by, await readForm(ChangePasswordDto, body), address);
        return say('password', 'The password is changed. Every other session has ended; API tokens stay as they are.');
      case 'revoke-session':
        return this.revokeSession(by, textOf(body, 'id'));
      case 'revoke-others':
        this.sessions.endingOthers(by.userId, by.sessionHash);
        return say('sessions', 'Every other session has ended.');
      case 'create-token':
        return this.createToken(by, body);
      case 'revoke-token':
        this.tokens.revoke(by.userId, textOf(body, 'id'));
        return say('tokens', 'The token is revoked.');
      case 'delete':
        await this.accounts.deleteAccount(by.userId, (await readForm(PasswordDto, body)).password, address);
        return { kind: 'signedOut', location: `/account/deleted/${this.proofs.of(by.userId)}` };
      default:
        return action satisfies never;
    }
  }

  private revokeSession(by: SignedIn, id: string): AccountOutcome {
    this.sessions.revoke(by.userId, id);
    if (id === publicIdOf(by.sessionHash)) return { kind: 'signedOut', location: '/' };
    return say('sessions', 'The session has ended.');
  }

  private async createToken(by: SignedIn, body: unknown): Promise<AccountOutcome> {
    const { scope } = (body ?? {}) as { scope?: unknown };
    const typed = { name: textOf(body, 'name'), expiresInDays: daysOf(textOf(body, 'expiresInDays')), scope };
    const { token, row } = this.tokens.create(by, await readForm(ApiTokenDto, typed));
    return { kind: 'done', message: { about: 'new-token', name: row.name, token } };
  }
}

/** A form carries texts. */
function daysOf(text: string): number | null {
  return /^\d{1,4}$/.test(text.trim()) ? Number(text) : null;
}

function say(about: 'password' | 'sessions' | 'tokens', text: string): AccountOutcome {
  return { kind: 'done', message: { about, text } };
}
