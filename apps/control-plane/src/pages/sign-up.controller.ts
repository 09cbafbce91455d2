import { Body, Controller, Get, Inject, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { AccountsService } from '../accounts/accounts.service';
import { SignUpDto } from '../accounts/credentials.dto';
import { serialiseSessionCookie } from '../accounts/session-cookie';
import { signInOriginOf } from '../accounts/sign-in-origin';
import type { ControlPlaneConfig } from '../config';
import { CONFIG } from '../config.token';
import { REGIONS } from '../tenants/regions';
import { Exchange } from './exchange';
import { refusedFormOf, type RefusedPost } from './form-refusal';
import { formView, textOf } from './form-view';
import { PageRenderer } from './page-renderer';
import { readForm } from './read-form';
import { mapView } from './world-map';

@Controller('signup')
export class SignUpController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly pages: PageRenderer,
    @Inject(CONFIG) private readonly config: Readonly<ControlPlaneConfig>,
  ) {}

  @Get()
  show(@Req() request: Request, @Res() response: Response): void {
    const exchange = new Exchange(request, response);
    if (exchange.signedIn) return exchange.seeOther('/dashboard');
    this.render(exchange, {}, null);
  }

  @Post()
  async signUp(@Req() request: Request, @Res() response: Response, @Body() body: unknown): Promise<void> {
    const exchange = new Exchange(request, response);
    try {
      const form = await readForm(SignUpDto, body);
      const { cookie } = await this.accounts.signUp(form, signInOriginOf(request));
      response.setHeader('Set-Cookie', serialiseSessionCookie(cookie, exchange.isSecure));
    } catch (error) {
      const refused = refusedFormOf(error, exchange.requestId);
      if (!refused) throw error;
      return this.render(exchange, body, refused);
    }
    exchange.seeOther('/dashboard');
  }

  private render(exchange: Exchange, typed: unknown, refused: RefusedPost | null): void {
    const form = formView(['email', 'password', 'region'], { values: typed, problem: refused?.problem });
    const chosen = textOf(typed, 'region');
    const offered = REGIONS.filter(({ code }) => this.config.regions.includes(code));
    const regions = offered.map((region) => ({ ...region, isSelected: region.code === chosen }));
    const map = mapView(
      offered.map(({ code }) => code),
      { chosen: [chosen] },
    );
    this.pages.render(
      exchange,
      'signup',
      { title: 'Sign up', ...form, regions, map },
      { ...refused, scripts: ['signup-map.js'] },
    );
  }
}
