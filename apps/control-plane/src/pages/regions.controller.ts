import { Controller, Get, Param, Req, Res, UseGuards } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ControlPlaneError } from '../error-codes';
import { SignedInGuard } from '../front-door/signed-in.guard';
import { REGION_CODES } from '../tenants/regions';
import { Exchange } from './exchange';
import { PageRenderer } from './page-renderer';
import { regionView } from './region-view';
import { TenantStatusService } from '../gates/tenant-status.service';

@Controller('region')
@UseGuards(SignedInGuard)
export class RegionsController {
  constructor(
    private readonly status: TenantStatusService,
    private readonly pages: PageRenderer,
  ) {}

  @Get(':region')
  async show(@Req() request: Request, @Res() response: Response, @Param('region') region: string): Promise<void> {
    if (!REGION_CODES.some((code) => code === region)) {
      throw new ControlPlaneError('not_found', 'There is no region by that name.');
    }
    const exchange = new Exchange(request, response);
    const status = await this.status.find(exchange.session.userId);
    this.pages.render(exchange, 'region', regionView(region, status), {
      isWide: true,
      region: status?.tenant.regions[0]?.region ?? region,
      scripts: ['region.js'],
    });
  }
}
