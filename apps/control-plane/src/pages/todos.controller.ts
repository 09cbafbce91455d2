import { Body, Controller, Get, Param, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ControlPlaneError } from '../error-codes';
import { SignedInGuard } from '../front-door/signed-in.guard';
import { TenantJson, type TenantAnswer } from '../proxy/tenant-json';
import { DashboardService, type Outcome } from './dashboard.service';
import { Exchange } from './exchange';
import { textOf } from './form-view';
import { dashboardHref, isTodoId, listStateOf, type ListState } from './list-state';
import { isSuccess, refusalOf, todoOf } from './tenant-answers';

/** Named apart from the decorator: under its name the compiler would take that for the type, and Nest validate against it. */
type QueryFields = Record<string, unknown>;
type TenantCall = Pick<Parameters<TenantJson['request']>[1], 'method' | 'path' | 'json' | 'stream' | 'headers'>;

/** The dashboard's forms: each becomes one request to the tenant, and its answer a redirect, or the dashboard with what was wrong. */
@Controller('todos')
@UseGuards(SignedInGuard)
export class TodosController {
  constructor(
    private readonly tenant: TenantJson,
    private readonly dashboard: DashboardService,
  ) {}

  /** A form that was refused is shown under its own address: opened again, that is the list. */
  @Get(['', ':id', ':id/toggle', ':id/delete', ':id/image/delete'])
  reopen(@Req() request: Request, @Res() response: Response, @Query() query: QueryFields): void {
    new Exchange(request, response).seeOther(dashboardHref(listStateOf(query)));
  }

  @Post()
  async add(@Req() request: Request, @Res() response: Response, @Query() query: QueryFields, @Body() body: unknown) {
    const exchange = new Exchange(request, response);
    const state = listStateOf(query);
    const headers = keyHeader(query.key);
    const call: TenantCall = isMultipart(request)
      ? { method: 'POST', path: '/todos', stream: { body: request }, headers }
      : { method: 'POST', path: '/todos', json: textsOf(body), headers };
    const answer = await this.ask(exchange, state, call, textsOf(body));
    if (!answer) return;
    if (!isSuccess(answer)) return this.dashboard.show(exchange, state, addRefused(answer, body));
    // Where the filter or the search would hide what was just added, they end.
    const filter = state.filter === 'done' ? 'all' : state.filter;
    exchange.seeOther(dashboardHref({ filter }, todoOf(answer).id));
  }

  @Post(':id')
  async edit(
    @Req() request: Request,
    @Res() response: Response,
    @Param('id') id: string,
    @Query() query: QueryFields,
    @Body() body: unknown,
  ) {
    const exchange = new Exchange(request, response);
    const etag = textOf(body, 'etag');
    const state = { ...listStateOf(query), edit: known(id) };
    const answer = await this.ask(exchange, state, {
      method: 'PATCH',
      path: `/todos/${known(id)}`,
      json: textsOf(body),
      headers: etag && isHeaderValue(etag) ? { 'if-match': etag } : {},
    });
    if (!answer) return;
    if (!isSuccess(answer)) return this.showRefusal(exchange, state, answer, textsOf(body));
    exchange.seeOther(dashboardHref({ ...state, edit: null }, id));
  }

  /** To what the form says; without it, to the other of what it is. */
  @Post(':id/toggle')
  async toggle(
    @Req() request: Request,
    @Res() response: Response,
    @Param('id') id: string,
    @Query() query: QueryFields,
    @Body() body: unknown,
  ) {
    const exchange = new Exchange(request, response);
    const state = listStateOf(query);
    const path = `/todos/${known(id)}`;
    const wanted = textOf(body, 'completed');
    let completed = wanted === 'true';
    if (wanted === '') {
      const now = await this.ask(exchange, state, { method: 'GET', path });
      if (!now) return;
      if (!isSuccess(now)) return this.showRefusal(exchange, state, now);
      completed = !todoOf(now).completed;
    }
    await this.change(exchange, state, { method: 'PATCH', path, json: { completed } }, id);
  }

  @Post(':id/delete')
  async remove(
    @Req() request: Request,
    @Res() response: Response,
    @Param('id') id: string,
    @Query() query: QueryFields,
  ) {
    const call: TenantCall = { method: 'DELETE', path: `/todos/${known(id)}` };
    await this.change(new Exchange(request, response), listStateOf(query), call);
  }

  @Post(':id/image')
  async putImage(
    @Req() request: Request,
    @Res() response: Response,
    @Param('id') id: string,
    @Query() query: QueryFields,
  ) {
    const exchange = new Exchange(request, response);
    const state = { ...listStateOf(query), edit: known(id) };
    if (!isMultipart(request)) {
      throw new ControlPlaneError(
        'unsupported_media_type',
        'Send the picture as multipart/form-data, in the field image.',
      );
    }
    await this.change(
      exchange,
      state,
      { method: 'PUT', path: `/todos/${known(id)}/image`, stream: { body: request } },
      id,
    );
  }

  @Post(':id/image/delete')
  async removeImage(
    @Req() request: Request,
    @Res() response: Response,
    @Param('id') id: string,
    @Query() query: QueryFields,
  ) {
    const state = { ...listStateOf(query), edit: known(id) };
    const call: TenantCall = { method: 'DELETE', path: `/todos/${known(id)}/image` };
    await this.change(new Exchange(request, response), state, call, id);
  }

  private async change(exchange: Exchange, state: ListState, call: TenantCall, todoId?: string): Promise<void> {
    const answer = await this.ask(exchange, state, call);
    if (!answer) return;
    if (!isSuccess(answer)) return this.showRefusal(exchange, state, answer);
    exchange.seeOther(dashboardHref({ ...state, edit: null }, todoId));
  }

  /** The tenant's answer; null where it was not reached, and the page that says so is under way. */
  private async ask(
    exchange: Exchange,
    state: ListState,
    call: TenantCall,
    typed: unknown = null,
  ): Promise<TenantAnswer | null> {
    const { session, signal, requestId } = exchange;
    try {
      return await this.tenant.request(session.userId, { ...call, signal, requestId });
    } catch (error) {
      if (signal.aborted) return null; // the browser has left: nobody to answer
      if (!(error instanceof ControlPlaneError)) throw error;
      await this.dashboard.show(exchange, state, { kind: 'unreachable', error, typed });
      return null;
    }
  }

  /** Where the to-do is gone there is no form to show the error at. */
  private showRefusal(exchange: Exchange, state: ListState, answer: TenantAnswer, typed?: unknown): Promise<void> {
    const refusal = { ...refusalOf(answer), ...(typed !== undefined && { input: typed }) };
    if (refusal.status === 404 || state.edit === null) {
      return this.dashboard.show(exchange, { ...state, edit: null }, { kind: 'refused', refusal });
    }
    return this.dashboard.show(exchange, state, { kind: 'editRefused', refusal });
  }
}

/** What was typed is what the tenant gives back of a form that was streamed to it, else what was posted here. */
function addRefused(answer: TenantAnswer, body: unknown): Outcome {
  const refusal = refusalOf(answer);
  return { kind: 'addRefused', refusal: { ...refusal, input: refusal.input ?? textsOf(body) } };
}

/** The fields of a to-do alone; a tenant refuses what it does not know. */
function textsOf(body: unknown): Record<string, unknown> {
  const { title, description } = (body ?? {}) as Record<string, unknown>;
  return { ...(title !== undefined && { title }), ...(description !== undefined && { description }) };
}

function isMultipart(request: Request): boolean {
  return Boolean(request.is('multipart/form-data'));
}

function keyHeader(key: unknown): Record<string, string> {
  return typeof key === 'string' && isHeaderValue(key) ? { 'idempotency-key': key } : {};
}

function isHeaderValue(text: string): boolean {
  return /^[\x21-\x7e]{1,255}$/.test(text);
}

/** The id itself. Throws `not_found` for what can be none and must not get into a path. */
function known(id: string): string {
  if (!isTodoId(id)) throw new ControlPlaneError('not_found', 'There is no such to-do.');
  return id;
}
