import { Controller, Get, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ControlPlaneError, ERROR_STATUSES } from '../error-codes';
import { SignedInGuard } from '../front-door/signed-in.guard';
import { TenantStatusService } from '../gates/tenant-status.service';
import { TenantJson, type TenantAnswer } from '../proxy/tenant-json';
import { dataView, type ImportJson, type ImportResult, type UsageJson } from './data-view';
import { Exchange } from './exchange';
import { Flash } from './flash';
import { PageRenderer } from './page-renderer';
import { isSuccess, refusalOf } from './tenant-answers';

/** What one's app holds, how much of it there may be, and the way out of it and in again. */
@Controller('account/data')
@UseGuards(SignedInGuard)
export class DataController {
  constructor(
    private readonly tenant: TenantJson,
    private readonly status: TenantStatusService,
    private readonly flash: Flash,
    private readonly pages: PageRenderer,
  ) {}

  @Get()
  async show(@Req() request: Request, @Res() response: Response): Promise<void> {
    const exchange = new Exchange(request, response);
    const flash = this.flash.take(exchange.session.sessionHash);
    await this.render(exchange, flash?.about === 'import' ? { kind: 'done', text: flash.text } : null);
  }

  /** The form is streamed on untouched: neither the file nor a part of it is kept here. With `dryRun=1` nothing is changed. */
  @Post()
  async import(@Req() request: Request, @Res() response: Response, @Query('dryRun') dryRun: unknown): Promise<void> {
    const exchange = new Exchange(request, response);
    if (!request.is('multipart/form-data')) {
      throw new ControlPlaneError('unsupported_media_type', 'Send the file as multipart/form-data, in the field file.');
    }
    const path = `/import?dryRun=${dryRun === '1' ? '1' : '0'}`;
    const answer = await this.ask(exchange, { method: 'POST', path, stream: { body: request } });
    if (answer instanceof ControlPlaneError) return this.render(exchange, unreachable(answer));
    if (!isSuccess(answer)) return this.render(exchange, { kind: 'refused', ...refusalOf(answer) });
    const outcome = answer.body as ImportJson; // a 2xx body follows the tenant contract
    if (outcome.dryRun) return this.render(exchange, { kind: 'preview', outcome });
    this.flash.put(exchange.session.sessionHash, { about: 'import', text: doneText(outcome) });
    exchange.seeOther('/account/data');
  }

  private async render(exchange: Exchange, result: ImportResult | null): Promise<void> {
    const [answer, status] = await Promise.all([
      this.ask(exchange, { method: 'GET', path: '/usage' }),
      this.status.find(exchange.session.userId),
    ]);
    if (exchange.signal.aborted) return; // the browser has left: nobody to answer
    this.pages.render(exchange, 'data', dataView({ ...usageIn(answer), result }), {
      isWide: true,
      region: status?.tenant.regions[0]?.region,
      status: statusOf(answer, result),
    });
  }

  private async ask(
    { session, signal, requestId }: Exchange,
    call: Pick<Parameters<TenantJson['request']>[1], 'method' | 'path' | 'stream'>,
  ): Promise<TenantAnswer | ControlPlaneError> {
    try {
      return await this.tenant.request(session.userId, { ...call, signal, requestId });
    } catch (error) {
      if (error instanceof ControlPlaneError) return error;
      if (signal.aborted) return new ControlPlaneError('tenant_unreachable', 'The browser has left.');
      throw error;
    }
  }
}

function usageIn(answer: TenantAnswer | ControlPlaneError): { usage: UsageJson | null; trouble: string | null } {
  if (answer instanceof ControlPlaneError) return { usage: null, trouble: answer.message };
  if (!isSuccess(answer)) return { usage: null, trouble: refusalOf(answer).detail };
  return { usage: answer.body as UsageJson, trouble: null }; // a 2xx body follows the tenant contract
}

function statusOf(answer: TenantAnswer | ControlPlaneError, result: ImportResult | null): number {
  if (result?.kind === 'refused') return result.status;
  return answer instanceof ControlPlaneError ? ERROR_STATUSES.tenant_not_ready : 200;
}

function unreachable(error: ControlPlaneError): ImportResult {
  const detail = `${error.message} Choose the file and try again: to import it twice does no harm.`;
  return { kind: 'refused', status: ERROR_STATUSES.tenant_not_ready, detail, fields: [] };
}

function doneText({ todos, images }: ImportJson): string {
  const { created, updated, unchanged } = todos;
  return `Imported: ${created} new, ${updated} changed, ${unchanged} unchanged; pictures stored: ${images.stored}.`;
}
