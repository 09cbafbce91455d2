import { formView, textOf, type ErrorsView, type FieldView, type FormProblem } from './form-view';
import { dashboardHref, FILTERS, queryOf, type Filter, type ListState } from './list-state';
import type { TodoJson, TodoListJson } from './tenant-answers';
import type { MachineView } from './tenant-view';

type TodoField = 'title' | 'description' | 'image';

/** A form that was refused, and what was typed into it. */
export interface RefusedForm {
  /** Null where the form itself was all right. */
  problem: FormProblem | null;
  values: unknown;
}

/** The to-do that is being edited, as it is now. */
export interface Editing {
  todo: TodoJson;
  etag: string | null;
  refused: RefusedForm | null;
  /** Somebody changed it since the form was opened. */
  isConflict: boolean;
}

/** What to say above the list. */
export interface NoticeView {
  tone: 'bad' | 'warn';
  text: string;
  retryHref: string | null;
  requestId: string | null;
}

export interface DashboardInput {
  state: ListState;
  /** Null where it could not be asked for. */
  list: TodoListJson | null;
  editing: Editing | null;
  refusedAdd: RefusedForm | null;
  notice: NoticeView | null;
  machine: MachineView | null;
  /** Random, one a rendered form: a form that is sent twice makes one to-do. */
  key: string;
}

export interface DashboardView {
  title: string;
  machine: DashboardInput['machine'];
  notice: NoticeView | null;
  add: AddFormView;
  list: ListView | null;
}

export interface AddFormView extends Record<TodoField, FieldView> {
  action: string;
  errors: ErrorsView | null;
  /** The part that is folded away has something to show. */
  isOpen: boolean;
  /** A browser never fills a chosen file in again. */
  pickAgain: boolean;
}

export interface ListView {
  filter: Filter | null;
  q: string;
  selfHref: string;
  filters: { name: Filter; label: string; href: string; count: number; isCurrent: boolean }[];
  items: TodoView[];
  empty: { title: string; text: string; href: string | null; link: string | null };
  hasPages: boolean;
  newestHref: string | null;
  olderHref: string | null;
}

export interface TodoView {
  id: string;
  title: string;
  description: string;
  completed: boolean;
  createdAt: string;
  createdText: string;
  image: { href: string; src: string } | null;
  toggleAction: string;
  toggleTo: boolean;
  editHref: string;
  deleteAction: string;
  edit: EditView | null;
}

export interface EditView extends Record<TodoField, FieldView> {
  action: string;
  etag: string | null;
  errors: ErrorsView | null;
  conflict: { title: string; description: string } | null;
  cancelHref: string;
  imageAction: string;
  removeImageAction: string;
}

const FIELDS = ['title', 'description', 'image'] as const satisfies readonly TodoField[];

export function dashboardView(input: DashboardInput): DashboardView {
  const { machine, notice, list } = input;
  return {
    title: 'Your to-dos',
    machine,
    notice,
    add: addFormView(input),
    list: list && listView(list, input),
  };
}

function addFormView({ state, refusedAdd, key }: DashboardInput): AddFormView {
  const { fields, errors } = formView(FIELDS, { prefix: 'new-', ...refusedAdd });
  return {
    ...fields,
    action: `/todos?key=${encodeURIComponent(key)}${queryOf({ ...state, edit: null, cursor: null }).replace('?', '&')}`,
    errors,
    isOpen: fields.description.value !== '' || fields.description.error !== null || fields.image.error !== null,
    pickAgain: refusedAdd !== null,
  };
}

function listView({ items, nextCursor, counts }: TodoListJson, { state, editing }: DashboardInput): ListView {
  const isListed = items.some(({ id }) => id === editing?.todo.id);
  const shown = editing && !isListed ? [editing.todo, ...items] : items;
  return {
    filter: state.filter === 'all' ? null : state.filter,
    q: state.q,
    selfHref: dashboardHref(state),
    filters: FILTERS.map((name) => ({
      name,
      label: { all: 'All', open: 'Open', done: 'Done' }[name],
      href: dashboardHref({ filter: name, q: state.q }),
      count: counts[name],
      isCurrent: name === state.filter,
    })),
    items: shown.map((todo) => todoView(todo, state, editing?.todo.id === todo.id ? editing : null)),
    empty: emptyView(state, counts.all),
    hasPages: nextCursor !== null || state.cursor !== null,
    newestHref: state.cursor === null ? null : dashboardHref({ ...state, cursor: null, edit: null }),
    olderHref: nextCursor === null ? null : dashboardHref({ ...state, cursor: nextCursor, edit: null }),
  };
}

function todoView(todo: TodoJson, state: ListState, editing: Editing | null): TodoView {
  const here = queryOf({ ...state, edit: null });
  const path = `/todos/${todo.id}`;
  return {
    id: todo.id,
    title: todo.title,
    description: todo.description,
    completed: todo.completed,
    createdAt: todo.createdAt,
    createdText: dateText(todo.createdAt),
    image: todo.image && { href: `${path}/image`, src: `${path}/image` },
    toggleAction: `${path}/toggle${here}`,
    toggleTo: !todo.completed,
    editHref: dashboardHref({ ...state, edit: todo.id }, todo.id),
    deleteAction: `${path}/delete${here}`,
    edit: editing && editView(editing, state),
  };
}

function editView({ todo, etag, refused, isConflict }: Editing, state: ListState): EditView {
  const { fields, errors } = formView(FIELDS, {
    prefix: 'edit-',
    values: { title: todo.title, description: todo.description, ...typed(refused?.values) },
    problem: refused?.problem,
  });
  const here = queryOf({ ...state, edit: null });
  return {
    ...fields,
    action: `/todos/${todo.id}${here}`,
    etag,
    errors,
    conflict: isConflict ? { title: todo.title, description: todo.description } : null,
    cancelHref: dashboardHref({ ...state, edit: null }, todo.id),
    imageAction: `/todos/${todo.id}/image${here}`,
    removeImageAction: `/todos/${todo.id}/image/delete${here}`,
  };
}

/** What was typed stands in the place of what is stored, also where it was emptied; a picture's form carries no texts. */
function typed(values: unknown): { title?: string; description?: string } {
  if (typeof values !== 'object' || values === null) return {};
  return {
    ...('title' in values && { title: textOf(values, 'title') }),
    ...('description' in values && { description: textOf(values, 'description') }),
  };
}

function emptyView({ filter, q }: ListState, total: number): ListView['empty'] {
  if (q) {
    const text = `Nothing here has “${q}” in its title or description.`;
    return { title: 'Nothing found', text, href: dashboardHref({ filter }), link: 'Show everything' };
  }
  if (total === 0) {
    return { title: 'Nothing to do yet', text: 'Write down the first thing above.', href: null, link: null };
  }
  switch (filter) {
    case 'open':
      return { title: 'All done', text: 'Nothing is open. Well done.', href: dashboardHref({}), link: 'Show all' };
    case 'done':
      return {
        title: 'Nothing done yet',
        text: 'What you check off is kept here.',
        href: dashboardHref({}),
        link: 'Show all',
      };
    case 'all':
      return {
        title: 'That was all',
        text: 'There is nothing older.',
        href: dashboardHref({}),
        link: 'Show the newest',
      };
    default:
      return filter satisfies never;
  }
}

function dateText(iso: string): string {
  return new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }).format(
    new Date(iso),
  );
}
