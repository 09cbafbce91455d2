import { Controller, Get, Inject } from '@nestjs/common';
import type { ControlPlaneConfig } from '../config';
import { CONFIG } from '../config.token';
import { REGIONS, type RegionCode } from '../tenants/regions';

@Controller('api/v1/regions')
export class RegionsController {
  constructor(@Inject(CONFIG) private readonly config: Readonly<ControlPlaneConfig>) {}

  /** The regions that a sign-up may choose from. */
  @Get()
  list(): { items: { code: RegionCode; name: string }[] } {
    return { items: REGIONS.filter(({ code }) => this.config.regions.includes(code)) };
  }
}
