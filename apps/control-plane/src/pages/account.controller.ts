import { Body, Controller, Get, Param, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ApiTokensService } from '../accounts/api-tokens.service';
import { DeletionProofs } from '../accounts/deletion-proofs';
import { clearedSessionCookie } from '../accounts/session-cookie';
import { SessionsService } from '../accounts/sessions.service';
import { ControlPlaneError } from '../error-codes';
import { contextOf } from '../front-door/request-context';
import { SignedInGuard } from '../front-door/signed-in.guard';
import { TenantStatusService } from '../gates/tenant-status.service';
import { TenantsService } from '../tenants/tenants.service';
import { accountActionOf, AccountActions, type AccountOutcome } from './account-actions';
import { accountView, deletionView, type RefusedAction } from './account-view';
import { Exchange } from './exchange';
import { Flash } from './flash';
import { refusedFormOf } from './form-refusal';
import { PageRenderer } from './page-renderer';

const DELETION_REFRESH_SECONDS = 2;

/** Who is signed in, how and where; API tokens; and the way out for good. */
@Controller('account')
export class AccountController {
  constructor(
    private readonly actions: AccountActions,
    private readonly sessions: SessionsService,
    private readonly tokens: ApiTokensService,
    private readonly tenants: TenantsService,
    private readonly status: TenantStatusService,
    private readonly proofs: DeletionProofs,
    private readonly flash: Flash,
    private readonly pages: PageRenderer,
  ) {}

  @Get()
  @UseGuards(SignedInGuard)
  show(@Req() request: Request, @Res() response: Response): Promise<void> {
    return this.render(new Exchange(request, response), null);
  }

  @Post()
  @UseGuards(SignedInGuard)
  async change(@Req() request: Request, @Res() response: Response, @Body() body: unknown): Promise<void> {
    const exchange = new Exchange(request, response);
    const action = accountActionOf(body);
    let outcome: AccountOutcome;
    try {
      outcome = await this.actions.run(action, exchange.session, body, contextOf(request).clientAddress);
    } catch (error) {
      const post = refusedFormOf(error, exchange.requestId);
      if (!post) throw error;
      return this.render(exchange, { action, post, typed: body });
    }
    if (outcome.kind === 'signedOut') {
      response.setHeader('Set-Cookie', clearedSessionCookie(exchange.isSecure));
      return exchange.seeOther(outcome.location);
    }
    this.flash.put(exchange.session.sessionHash, outcome.message);
    exchange.seeOther('/account');
  }

  /** Needs no session, because there is none any more: who knows the address was given it when the account was deleted. */
  @Get('deleted/:proof')
  async showDeleted(@Req() request: Request, @Res() response: Response, @Param('proof') proof: string): Promise<void> {
    const tenantId = this.proofs.tenantOf(proof);
    const deletion = tenantId && (await this.tenants.findDeletion(tenantId));
    if (!deletion) throw new ControlPlaneError('not_found', 'There is no deletion under this address.');
    const view = deletionView(deletion);
    const refresh = view.isDone ? {} : { refreshSeconds: DELETION_REFRESH_SECONDS, isRefreshedAlways: true };
    this.pages.render(new Exchange(request, response), 'account-deleted', view, refresh);
  }

  private async render(exchange: Exchange, refused: RefusedAction | null): Promise<void> {
    const { email, userId, sessionHash } = exchange.session;
    const [status, sessions, tokens] = await Promise.all([
      this.status.find(userId),
      this.sessions.list(userId),
      this.tokens.list(userId),
    ]);
    const flash = refused ? null : this.flash.take(sessionHash);
    const tenant = status?.tenant ?? null;
    this.pages.render(
      exchange,
      'account',
      accountView({ email, sessionHash, tenant, sessions, tokens, flash, refused }),
      {
        isWide: true,
        region: tenant?.regions[0]?.region,
        status: refused?.post.status,
        retryAfterSeconds: refused?.post.retryAfterSeconds,
      },
    );
  }
}
