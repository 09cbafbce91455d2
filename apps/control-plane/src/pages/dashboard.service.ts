import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { ControlPlaneError, ERROR_STATUSES } from '../error-codes';
import { TenantJson, type TenantAnswer } from '../proxy/tenant-json';
import { dashboardView, type Editing, type NoticeView, type RefusedForm } from './dashboard-view';
import type { Exchange } from './exchange';
import { dashboardHref, type ListState } from './list-state';
import { PageRenderer, type PageOptions } from './page-renderer';
import { isSuccess, refusalOf, todoListOf, todoOf, type Refusal, type TodoListJson } from './tenant-answers';
import { TenantStatusService, type TenantStatus } from '../gates/tenant-status.service';
import { machineView, provisioningView, type MachineView } from './tenant-view';

const TYPED_IS_IN_BROWSER = ' Go back one page to find again what you typed.';

/** What became of a form, when the dashboard is shown again because of it. */
export type Outcome =
  | { kind: 'addRefused'; refusal: Refusal }
  | { kind: 'editRefused'; refusal: Refusal }
  /** The to-do is not there, or the form is about none: said above the list. */
  | { kind: 'refused'; refusal: Refusal }
  /** The tenant was not reached with it; it is not asked for the list either. */
  | { kind: 'unreachable'; error: ControlPlaneError; typed: unknown };

interface Contents {
  list: TodoListJson | null;
  editing: Editing | null;
  refusal: Refusal | null;
}

/** Shows the dashboard: the list, the steps of an app that is not there yet, or what went wrong with a form, where it went wrong. */
@Injectable()
export class DashboardService {
  constructor(
    private readonly status: TenantStatusService,
    private readonly tenant: TenantJson,
    private readonly pages: PageRenderer,
  ) {}

  async show(exchange: Exchange, state: ListState, outcome?: Outcome): Promise<void> {
    const status = await this.status.find(exchange.session.userId);
    if (!status || status.tenant.status === 'deleting') return this.showDeleted(exchange);
    if (status.tenant.status !== 'active') return this.showProvisioning(exchange, status, outcome);
    if (outcome?.kind === 'unreachable') return this.showUnreachable(exchange, status, state, outcome);
    try {
      const contents = await this.ask(exchange, state, outcome);
      // Looked at again: asking for the list has woken the machine.
      this.showList(exchange, (await this.status.find(exchange.session.userId)) ?? status, state, contents, outcome);
    } catch (error) {
      if (exchange.signal.aborted) return; // the browser has left: nobody to answer
      if (!(error instanceof ControlPlaneError)) throw error;
      this.showUnreachable(exchange, status, state, { kind: 'unreachable', error, typed: null });
    }
  }

  private showList(
    exchange: Exchange,
    status: TenantStatus,
    state: ListState,
    contents: Contents,
    outcome?: Outcome,
  ): void {
    const refusal = contents.refusal ?? (outcome && 'refusal' in outcome ? outcome.refusal : null);
    const isSaidAbove = refusal !== null && (contents.refusal !== null || outcome?.kind === 'refused');
    const view = dashboardView({
      state,
      list: contents.list,
      editing: contents.editing,
      refusedAdd: outcome?.kind === 'addRefused' ? refusedForm(outcome.refusal) : null,
      notice: isSaidAbove ? noticeOf(refusal, contents.list ? null : dashboardHref({ filter: state.filter })) : null,
      machine: machineOf(status),
      key: randomUUID(),
    });
    this.pages.render(exchange, 'dashboard', view, {
      ...pageOptions(status, 'dashboard.js'),
      status: refusal?.status ?? 200,
    });
  }

  /** The list, and the to-do to edit with its ETag, which the list does not have. */
  private async ask(exchange: Exchange, state: ListState, outcome?: Outcome): Promise<Contents> {
    const [list, todo] = await Promise.all([
      this.get(exchange, `/todos?${listQuery(state)}`),
      state.edit === null ? null : this.get(exchange, `/todos/${state.edit}`),
    ]);
    if (!isSuccess(list)) return { list: null, editing: null, refusal: refusalOf(list) };
    if (todo && !isSuccess(todo)) return { list: todoListOf(list), editing: null, refusal: refusalOf(todo) };
    return { list: todoListOf(list), editing: todo && editingOf(todo, outcome), refusal: null };
  }

  private get({ session, signal, requestId }: Exchange, path: string): Promise<TenantAnswer> {
    return this.tenant.request(session.userId, { method: 'GET', path, signal, requestId });
  }

  private showProvisioning(exchange: Exchange, status: TenantStatus, outcome?: Outcome): void {
    const view = provisioningView(status);
    const retryAfterSeconds = outcome?.kind === 'unreachable' ? (outcome.error.retryAfterSeconds ?? 1) : undefined;
    this.pages.render(exchange, 'provisioning', view, {
      ...pageOptions(status, 'provisioning.js'),
      status: outcome ? statusOf(outcome) : 200,
      retryAfterSeconds,
      // A post that was not let in must not be repeated by looking again: the browser would ask for its address.
      refreshSeconds: view.isRefreshing && !outcome ? 1 : undefined,
    });
  }

  private showUnreachable(
    exchange: Exchange,
    status: TenantStatus,
    state: ListState,
    { error, typed }: Extract<Outcome, { kind: 'unreachable' }>,
  ): void {
    // A form that was streamed on was never read here.
    const isTypedLost = exchange.request.method === 'POST' && Object.keys(typed ?? {}).length === 0;
    const notice: NoticeView = {
      tone: 'warn',
      text: `Your list could not be reached. ${error.message}${isTypedLost ? TYPED_IS_IN_BROWSER : ''}`,
      retryHref: dashboardHref(state),
      requestId: exchange.requestId,
    };
    const view = dashboardView({
      state,
      list: null,
      editing: null,
      refusedAdd: typed === null ? null : { problem: null, values: typed },
      notice,
      machine: machineOf(status),
      key: randomUUID(),
    });
    this.pages.render(exchange, 'dashboard', view, {
      ...pageOptions(status, 'dashboard.js'),
      status: ERROR_STATUSES.tenant_not_ready,
      retryAfterSeconds: error.retryAfterSeconds ?? 5,
    });
  }

  private showDeleted(exchange: Exchange): void {
    this.pages.render(exchange, 'account-deleted', { title: 'Your account is being deleted' });
  }
}

function pageOptions(status: TenantStatus, script: string): PageOptions {
  return { isWide: true, scripts: [script], region: status.tenant.regions[0]?.region };
}

function machineOf(status: TenantStatus): MachineView | null {
  const region = status.tenant.regions[0];
  return region ? machineView(region) : null;
}

function listQuery({ filter, q, cursor }: ListState): string {
  return new URLSearchParams({ filter, ...(q && { q }), ...(cursor !== null && { cursor }) }).toString();
}

function editingOf(answer: TenantAnswer, outcome?: Outcome): Editing {
  const refusal = outcome?.kind === 'editRefused' ? outcome.refusal : null;
  return {
    todo: todoOf(answer),
    etag: answer.headers.etag ?? null,
    refused: refusal && refusedForm(refusal),
    isConflict: refusal?.code === 'precondition_failed',
  };
}

function refusedForm(refusal: Refusal): RefusedForm {
  const isConflict = refusal.code === 'precondition_failed';
  const detail = isConflict
    ? 'This to-do was changed while you were editing it. Nothing is saved yet.'
    : refusal.detail;
  return { problem: { detail, fields: refusal.fields }, values: refusal.input };
}

/** `retryHref`: where there is no list to go on with. */
function noticeOf(refusal: Refusal, retryHref: string | null): NoticeView {
  return { tone: 'bad', text: refusal.detail, retryHref, requestId: null };
}

function statusOf(outcome: Outcome): number {
  return outcome.kind === 'unreachable' ? ERROR_STATUSES.tenant_not_ready : outcome.refusal.status;
}
