import { Controller, Get, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Exchange } from './exchange';
import { PageRenderer } from './page-renderer';

/** The front page, for who is not signed in. */
@Controller()
export class HomeController {
  constructor(private readonly pages: PageRenderer) {}

  @Get()
  show(@Req() request: Request, @Res() response: Response): void {
    const exchange = new Exchange(request, response);
    if (exchange.signedIn) return exchange.seeOther('/dashboard');
    this.pages.render(exchange, 'landing', { title: 'A to-do list that is yours alone' }, { isWide: true });
  }
}
