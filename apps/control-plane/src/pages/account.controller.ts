import { Body, Controller, Get, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { Request, Response } from 'express';
import { AccountsService } from '../accounts/accounts.service';
import { PasswordDto } from '../accounts/credentials.dto';
import { clearedSessionCookie } from '../accounts/session-cookie';
import { ControlPlaneError } from '../error-codes';
import { contextOf } from '../front-door/request-context';
import { SignedInGuard } from '../front-door/signed-in.guard';
import { regionName } from '../tenants/regions';
import { Exchange } from './exchange';
import { refusedFormOf, type RefusedPost } from './form-refusal';
import { formView, textOf } from './form-view';
import { PageRenderer } from './page-renderer';
import { readForm } from './read-form';
import { TenantStatusService } from '../gates/tenant-status.service';

/** Who is signed in, and the way out for good. */
@Controller('account')
export class AccountController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly status: TenantStatusService,
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
    if (textOf(body, 'action') !== 'delete') {
      throw new ControlPlaneError('bad_request', 'The form does not say what to do: its field action is missing.');
    }
    try {
      const { password } = await readForm(PasswordDto, body);
      await this.accounts.deleteAccount(exchange.session.userId, password, contextOf(request).clientAddress);
    } catch (error) {
      const refused = refusedFormOf(error, exchange.requestId);
      if (!refused) throw error;
      return this.render(exchange, refused);
    }
    response.setHeader('Set-Cookie', clearedSessionCookie(exchange.isSecure));
    exchange.seeOther('/account/deleted');
  }

  /** Needs no session: there is none any more. */
  @Get('deleted')
  showDeleted(@Req() request: Request, @Res() response: Response): void {
    this.pages.render(new Exchange(request, response), 'account-deleted', { title: 'Your account is being deleted' });
  }

  private async render(exchange: Exchange, refused: RefusedPost | null): Promise<void> {
    const { email, userId } = exchange.session;
    const tenant = (await this.status.find(userId))?.tenant;
    const region = tenant?.regions[0]?.region;
    const app = tenant && region && { name: tenant.appName, region, regionName: regionName(region) };
    const view = { title: 'Account', email, app, ...formView(['password'], { problem: refused?.problem }) };
    this.pages.render(exchange, 'account', view, {
      region,
      status: refused?.status,
      retryAfterSeconds: refused?.retryAfterSeconds,
    });
  }
}
