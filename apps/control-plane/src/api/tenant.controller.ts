import type { Clock } from '@app/common/time/clock';
import { Controller, Get, HttpCode, Inject, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { Request, Response } from 'express';
import { CLOCK } from '../clock.token';
import { CurrentSession } from '../front-door/current-session.decorator';
import type { SignedIn } from '../front-door/request-context';
import { SignedInGuard } from '../front-door/signed-in.guard';
import { TenantStatusService } from '../gates/tenant-status.service';
import type { TenantResponse } from '../tenants/tenant-response';
import { TenantsService } from '../tenants/tenants.service';
import { DirectAccess, type DirectAccessResponse } from './direct-access';
import { JsonBodyGuard } from './json-body.guard';
import { TenantEventStreams } from './tenant-event-streams';

/** A person's own tenant: there is no way to name another. */
@Controller('api/v1/tenant')
@UseGuards(JsonBodyGuard, SignedInGuard)
export class TenantController {
  constructor(
    private readonly status: TenantStatusService,
    private readonly tenants: TenantsService,
    private readonly streams: TenantEventStreams,
    private readonly directAccess: DirectAccess,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get()
  async get(@CurrentSession() session: SignedIn): Promise<TenantResponse> {
    return (await this.status.get(session.userId)).tenant;
  }

  @Get('events')
  events(@CurrentSession() session: SignedIn, @Req() request: Request, @Res() response: Response): Promise<void> {
    return this.streams.open(session.userId, request, response);
  }

  @Post('retry')
  @HttpCode(202)
  async retry(@CurrentSession() session: SignedIn): Promise<TenantResponse> {
    await this.tenants.retry(session.userId, this.clock.now());
    return (await this.status.get(session.userId)).tenant;
  }

  @Post('token')
  @HttpCode(200)
  token(
    @CurrentSession() session: SignedIn,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<DirectAccessResponse> {
    const leaving = new AbortController();
    response.once('close', () => leaving.abort());
    return this.directAccess.give(session.userId, request, leaving.signal);
  }
}
