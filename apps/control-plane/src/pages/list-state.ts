export const FILTERS = ['all', 'open', 'done'] as const;
export type Filter = (typeof FILTERS)[number];

/** What of the list is shown: the dashboard's query, carried along in the addresses of its forms. */
export interface ListState {
  filter: Filter;
  q: string;
  cursor: string | null;
  /** The to-do that is being edited. */
  edit: string | null;
}

/** Reads a query as far as it makes sense; the rest counts as not said. */
export function listStateOf(query: Record<string, unknown>): ListState {
  const { filter, q, cursor, edit } = query;
  return {
    filter: FILTERS.find((name) => name === filter) ?? 'all',
    q: typeof q === 'string' ? q.trim().slice(0, 200) : '',
    cursor: typeof cursor === 'string' && cursor !== '' ? cursor.slice(0, 500) : null,
    edit: typeof edit === 'string' && isTodoId(edit) ? edit : null,
  };
}

/** Could be a to-do's id, and is harmless in a path. */
export function isTodoId(id: string): boolean {
  return /^[\w-]{1,64}$/.test(id);
}

/** The state as a query with its `?`, or nothing where everything is as usual. */
export function queryOf(state: Partial<ListState>): string {
  const query = new URLSearchParams();
  if (state.filter && state.filter !== 'all') query.set('filter', state.filter);
  if (state.q) query.set('q', state.q);
  if (state.cursor) query.set('cursor', state.cursor);
  if (state.edit) query.set('edit', state.edit);
  const text = query.toString();
  return text && `?${text}`;
}

/** The dashboard in that state, at that to-do. */
export function dashboardHref(state: Partial<ListState>, todoId?: string): string {
  return `/dashboard${queryOf(state)}${todoId ? `#todo-${todoId}` : ''}`;
}
