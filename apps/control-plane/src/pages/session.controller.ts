import { Controller, Get, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import type { Request, Response } from 'express';
import { AccountsService } from '../accounts/accounts.service';
import { LocalLoginGuard } from '../accounts/local-login.guard';
import { clearedSessionCookie, serialiseSessionCookie } from '../accounts/session-cookie';
import { SessionsService } from '../accounts/sessions.service';
import { signInOriginOf } from '../accounts/sign-in-origin';
import type { User } from '../accounts/user.entity';
import { Exchange } from './exchange';
import { formView } from './form-view';
import { LoginFormFilter } from './login-form.filter';
import { PageRenderer } from './page-renderer';

@Controller()
export class SessionController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly sessions: SessionsService,
    private readonly pages: PageRenderer,
  ) {}

  @Get('login')
  show(@Req() request: Request, @Res() response: Response): void {
    const exchange = new Exchange(request, response);
    if (exchange.signedIn) return exchange.seeOther('/dashboard');
    this.pages.render(exchange, 'login', { title: 'Log in', ...formView(['email', 'password']) });
  }

  @Post('login')
  @UseGuards(LocalLoginGuard)
  @UseFilters(LoginFormFilter)
  async logIn(@Req() request: Request, @Res() response: Response): Promise<void> {
    const exchange = new Exchange(request, response);
    const user = request.user as User; // put there by LocalLoginGuard
    const cookie = await this.accounts.logIn(user, signInOriginOf(request));
    response.setHeader('Set-Cookie', serialiseSessionCookie(cookie, exchange.isSecure));
    exchange.seeOther('/dashboard');
  }

  /** Repeatable: who is logged out already is taken to the same page. */
  @Post('logout')
  async logOut(@Req() request: Request, @Res() response: Response): Promise<void> {
    const exchange = new Exchange(request, response);
    if (exchange.signedIn) await this.sessions.end(exchange.signedIn.sessionHash);
    response.setHeader('Set-Cookie', clearedSessionCookie(exchange.isSecure));
    exchange.seeOther('/');
  }
}
