import { listOf, todo } from '../../../../test/support/pages';
import { dashboardView, type DashboardInput } from './dashboard-view';
import { listStateOf } from './list-state';

const view = (overrides: Partial<DashboardInput> = {}, query: Record<string, unknown> = {}) =>
  dashboardView({
    state: listStateOf(query),
    list: listOf(todo()),
    editing: null,
    refusedAdd: null,
    notice: null,
    machine: null,
    key: 'key-1',
    ...overrides,
  });

describe('dashboardView', () => {
  it('shows the counts of the whole list on the filters, whatever is shown', () => {
    const list = { items: [], nextCursor: null, counts: { all: 5, open: 3, done: 2 } };
    const { filters } = view({ list }, { filter: 'done' }).list ?? {};
    expect(filters?.map(({ label, count, isCurrent }) => [label, count, isCurrent])).toEqual([
      ['All', 5, false],
      ['Open', 3, false],
      ['Done', 2, true],
    ]);
  });

  it('carries filter, search and place in the list along in the addresses of its forms', () => {
    const { list, add } = view({}, { filter: 'open', q: 'mi lk', cursor: 'abc' });
    expect(list?.items[0]).toMatchObject({
      toggleAction: '/todos/todo-1/toggle?filter=open&q=mi+lk&cursor=abc',
      deleteAction: '/todos/todo-1/delete?filter=open&q=mi+lk&cursor=abc',
      editHref: '/dashboard?filter=open&q=mi+lk&cursor=abc&edit=todo-1#todo-todo-1',
    });
    expect(add.action).toBe('/todos?key=key-1&filter=open&q=mi+lk');
  });

  it('leads to what is older, and from there back to the newest', () => {
    const list = { ...listOf(todo()), nextCursor: 'next' };
    expect(view({ list }).list).toMatchObject({
      olderHref: '/dashboard?cursor=next',
      newestHref: null,
      hasPages: true,
    });
    expect(view({}, { cursor: 'next' }).list).toMatchObject({ olderHref: null, newestHref: '/dashboard' });
    expect(view().list?.hasPages).toBe(false);
  });

  it('edits with what was typed, also where a text was emptied', () => {
    const editing = {
      todo: todo({ description: 'stored' }),
      etag: '"e"',
      refused: { problem: { detail: 'x', fields: [] }, values: { title: 'typed', description: '' } },
      isConflict: true,
    };
    const edit = view({ editing }).list?.items[0]?.edit;
    expect(edit?.title.value).toBe('typed');
    expect(edit?.description.value).toBe('');
    expect(edit?.conflict).toEqual({ title: 'Buy milk', description: 'stored' });
  });

  it('edits with what is stored where only the picture was refused', () => {
    const refused = { problem: { detail: 'x', fields: [{ field: 'image', message: 'No.' }] }, values: undefined };
    const editing = { todo: todo({ description: 'stored' }), etag: null, refused, isConflict: false };
    const edit = view({ editing }).list?.items[0]?.edit;
    expect([edit?.title.value, edit?.description.value, edit?.image.error]).toEqual(['Buy milk', 'stored', 'No.']);
  });

  it('shows the to-do that is edited also where the list does not have it', () => {
    const editing = { todo: todo({ id: 'other' }), etag: null, refused: null, isConflict: false };
    expect(view({ editing }).list?.items.map(({ id }) => id)).toEqual(['other', 'todo-1']);
  });

  it('opens what is folded away when an error or a text is in it', () => {
    expect(view().add.isOpen).toBe(false);
    const refused = (field: string, values: object) => ({
      problem: { detail: '', fields: [{ field, message: 'No.' }] },
      values,
    });
    expect(view({ refusedAdd: refused('title', { title: 'a' }) }).add.isOpen).toBe(false);
    expect(view({ refusedAdd: refused('image', {}) }).add.isOpen).toBe(true);
    expect(view({ refusedAdd: refused('title', { description: 'text' }) }).add.isOpen).toBe(true);
  });

  it('tells an empty list from a search or filter that finds nothing', () => {
    const list = { items: [], nextCursor: null, counts: { all: 2, open: 0, done: 2 } };
    expect(view({ list: listOf() }).list?.empty.title).toBe('Nothing to do yet');
    expect(view({ list }, { filter: 'open' }).list?.empty.title).toBe('All done');
    expect(view({ list }, { q: 'x' }).list?.empty.title).toBe('Nothing found');
  });
});

describe('listStateOf', () => {
  it('takes what makes no sense for not said', () => {
    expect(listStateOf({ filter: 'x', q: ['a'], cursor: '', edit: '../me' })).toEqual({
      filter: 'all',
      q: '',
      cursor: null,
      edit: null,
    });
  });
});
