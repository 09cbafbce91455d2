import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { ControlPlaneConfig } from '../config';
import { CONFIG } from '../config.token';
import { Exchange } from './exchange';
import { PageRenderer } from './page-renderer';
import { mapView } from './world-map';

/** The front page, for who is not signed in. */
@Controller()
export class HomeController {
  constructor(
    private readonly pages: PageRenderer,
    @Inject(CONFIG) private readonly config: Readonly<ControlPlaneConfig>,
  ) {}

  @Get()
  show(@Req() request: Request, @Res() response: Response): void {
    const exchange = new Exchange(request, response);
    if (exchange.signedIn) return exchange.seeOther('/dashboard');
    const { regions } = this.config;
    const map = mapView(regions, { chosen: regions, named: [], label: 'World map of the regions.' });
    this.pages.render(exchange, 'landing', { title: 'A to-do list that is yours alone', map }, { isWide: true });
  }
}
