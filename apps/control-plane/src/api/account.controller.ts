import { Body, Controller, Delete, Get, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { Request, Response } from 'express';
import { AccountsService } from '../accounts/accounts.service';
import { PasswordDto, SignUpDto } from '../accounts/credentials.dto';
import { DeletionProofs } from '../accounts/deletion-proofs';
import { LocalLoginGuard } from '../accounts/local-login.guard';
import { clearedSessionCookie, serialiseSessionCookie, type SessionCookie } from '../accounts/session-cookie';
import { SessionsService } from '../accounts/sessions.service';
import { signInOriginOf } from '../accounts/sign-in-origin';
import type { User } from '../accounts/user.entity';
import { CurrentSession } from '../front-door/current-session.decorator';
import { contextOf, type SignedIn } from '../front-door/request-context';
import { SignedInGuard, unauthenticated } from '../front-door/signed-in.guard';
import { TenantStatusService } from '../gates/tenant-status.service';
import { JsonBodyGuard } from './json-body.guard';
import { toUserResponse, type SignedInResponse, type UserResponse } from './user-response';

@Controller('api/v1')
@UseGuards(JsonBodyGuard)
export class AccountController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly sessions: SessionsService,
    private readonly status: TenantStatusService,
    private readonly proofs: DeletionProofs,
  ) {}

  @Post('signup')
  async signUp(
    @Body() body: SignUpDto,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SignedInResponse> {
    const { user, cookie } = await this.accounts.signUp(body, signInOriginOf(request));
    setSessionCookie(request, response, cookie);
    return this.signedIn(user);
  }

  /** The guard has checked the password. */
  @Post('login')
  @HttpCode(200)
  @UseGuards(LocalLoginGuard)
  async logIn(
    @Req() request: Request & { user: User },
    @Res({ passthrough: true }) response: Response,
  ): Promise<SignedInResponse> {
    const cookie = await this.accounts.logIn(request.user, signInOriginOf(request));
    setSessionCookie(request, response, cookie);
    return this.signedIn(request.user);
  }

  /** Also for who has no session any more: the cookie goes in any case. */
  @Post('logout')
  @HttpCode(204)
  async logOut(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<void> {
    const { session, isSecure } = contextOf(request);
    if (session) await this.sessions.end(session.sessionHash);
    response.setHeader('Set-Cookie', clearedSessionCookie(isSecure));
  }

  @Get('me')
  @UseGuards(SignedInGuard)
  async me(@CurrentSession() session: SignedIn): Promise<UserResponse & { region: string | null }> {
    const user = await this.accounts.find(session.userId);
    if (!user) throw unauthenticated();
    const status = await this.status.find(session.userId);
    return { ...toUserResponse(user), region: status?.tenant.regions[0]?.region ?? null };
  }

  /** `page` is where somebody without a session sees when it is done. */
  @Delete('me')
  @HttpCode(202)
  @UseGuards(SignedInGuard)
  async deleteAccount(
    @CurrentSession() session: SignedIn,
    @Body() body: PasswordDto,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<{ status: 'deleting'; page: string }> {
    const { clientAddress, isSecure } = contextOf(request);
    await this.accounts.deleteAccount(session.userId, body.password, clientAddress);
    response.setHeader('Set-Cookie', clearedSessionCookie(isSecure));
    return { status: 'deleting', page: `/account/deleted/${this.proofs.of(session.userId)}` };
  }

  private async signedIn(user: User): Promise<SignedInResponse> {
    return { user: toUserResponse(user), tenant: (await this.status.get(user.id)).tenant };
  }
}

function setSessionCookie(request: Request, response: Response, cookie: SessionCookie): void {
  response.setHeader('Set-Cookie', serialiseSessionCookie(cookie, contextOf(request).isSecure));
}
