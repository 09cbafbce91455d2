import type { Clock } from '@app/common/time/clock';
import { Controller, Get, Inject, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import type { Request, Response } from 'express';
import { CLOCK } from '../clock.token';
import { ControlPlaneError } from '../error-codes';
import { SignedInGuard } from '../front-door/signed-in.guard';
import { TenantsService } from '../tenants/tenants.service';
import { DashboardService } from './dashboard.service';
import { Exchange } from './exchange';
import { listStateOf } from './list-state';

@Controller()
@UseGuards(SignedInGuard)
export class DashboardController {
  constructor(
    private readonly dashboard: DashboardService,
    private readonly tenants: TenantsService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get('dashboard')
  show(@Req() request: Request, @Res() response: Response, @Query() query: Record<string, unknown>): Promise<void> {
    return this.dashboard.show(new Exchange(request, response), listStateOf(query));
  }

  /** Takes a failed app up again; one that has not failed, or not any more, needs no retry. */
  @Post('tenant/retry')
  async retry(@Req() request: Request, @Res() response: Response): Promise<void> {
    const exchange = new Exchange(request, response);
    try {
      await this.tenants.retry(exchange.session.userId, this.clock.now());
    } catch (error) {
      if (!(error instanceof ControlPlaneError) || error.code !== 'retry_not_possible') throw error;
    }
    exchange.seeOther('/dashboard');
  }
}
