import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req, UseGuards } from '@nestjs/common';
import type { Request } from 'express';
import { AccountsService } from '../accounts/accounts.service';
import { ApiTokenDto } from '../accounts/api-token.dto';
import { ApiTokensService } from '../accounts/api-tokens.service';
import { ChangePasswordDto } from '../accounts/change-password.dto';
import { SessionsService } from '../accounts/sessions.service';
import { CurrentSession } from '../front-door/current-session.decorator';
import { contextOf, type SignedIn } from '../front-door/request-context';
import { SignedInGuard } from '../front-door/signed-in.guard';
import { toApiTokenResponse, toSessionResponse, type ApiTokenResponse, type SessionResponse } from './access-response';
import { JsonBodyGuard } from './json-body.guard';

/** Who can get into an account: its password, its sessions, its API tokens. */
@Controller('api/v1')
@UseGuards(JsonBodyGuard, SignedInGuard)
export class AccessController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly sessions: SessionsService,
    private readonly tokens: ApiTokensService,
  ) {}

  @Post('me/password')
  @HttpCode(204)
  changePassword(
    @CurrentSession() session: SignedIn,
    @Body() body: ChangePasswordDto,
    @Req() request: Request,
  ): Promise<void> {
    return this.accounts.changePassword(session, body, contextOf(request).clientAddress);
  }

  @Get('sessions')
  async listSessions(@CurrentSession() session: SignedIn): Promise<{ items: SessionResponse[] }> {
    const sessions = await this.sessions.list(session.userId);
    return { items: sessions.map((one) => toSessionResponse(one, session.sessionHash)) };
  }

  @Delete('sessions/:id')
  @HttpCode(204)
  revokeSession(@CurrentSession() session: SignedIn, @Param('id') id: string): void {
    this.sessions.revoke(session.userId, id);
  }

  @Get('tokens')
  async listTokens(@CurrentSession() session: SignedIn): Promise<{ items: ApiTokenResponse[] }> {
    return { items: (await this.tokens.list(session.userId)).map(toApiTokenResponse) };
  }

  /** The one answer that has the token in it. */
  @Post('tokens')
  createToken(@CurrentSession() session: SignedIn, @Body() body: ApiTokenDto): ApiTokenResponse & { token: string } {
    const { token, row } = this.tokens.create(session, body);
    return { ...toApiTokenResponse(row), token };
  }

  @Delete('tokens/:id')
  @HttpCode(204)
  revokeToken(@CurrentSession() session: SignedIn, @Param('id') id: string): void {
    this.tokens.revoke(session.userId, id);
  }
}
