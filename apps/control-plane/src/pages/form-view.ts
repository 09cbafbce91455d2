import type { FieldError } from '@app/common/errors/domain-error';

/** Why a form is shown again. */
export interface FormProblem {
  detail: string;
  fields: readonly FieldError[];
}

/** One field as its template needs it. */
export interface FieldView {
  id: string;
  name: string;
  value: string;
  error: string | null;
}

/** The box above a form that was refused; it takes the focus, and its lines lead to the fields. */
export interface ErrorsView {
  summary: string;
  items: { message: string; href: string | null }[];
}

export interface FormView<Name extends string> {
  fields: Record<Name, FieldView>;
  errors: ErrorsView | null;
}

/** What the forms call their fields, for the lines above them. */
const LABELS: Readonly<Record<string, string>> = {
  email: 'E-mail',
  password: 'Password',
  current: 'Current password',
  new: 'New password',
  name: 'Name',
  expiresInDays: 'Days',
  scope: 'Scopes',
  region: 'Region',
  title: 'Title',
  description: 'Description',
  image: 'Picture',
};

/** Never put back. */
const SECRETS = new Set(['password', 'current', 'new']);

/** A form with what was typed and what was wrong with it. A password is never put back. `prefix` keeps ids apart where a page has several. */
export function formView<Name extends string>(
  names: readonly Name[],
  options: { prefix?: string; values?: unknown; problem?: FormProblem | null } = {},
): FormView<Name> {
  const { prefix = '', values, problem = null } = options;
  const idOf = (name: string) => `${prefix}${name}`;
  const fieldViews = names.map((name): [Name, FieldView] => [
    name,
    {
      id: idOf(name),
      name,
      value: SECRETS.has(name) ? '' : textOf(values, name),
      error: problem?.fields.find(({ field }) => field === name)?.message ?? null,
    },
  ]);
  return {
    fields: Object.fromEntries(fieldViews) as Record<Name, FieldView>, // one entry a name, by the line above
    errors: problem && errorsView(problem, names, idOf),
  };
}

function errorsView(problem: FormProblem, names: readonly string[], idOf: (name: string) => string): ErrorsView {
  if (problem.fields.length === 0) return { summary: problem.detail, items: [] };
  return {
    summary: 'That did not work yet:',
    items: problem.fields.map(({ field, message }) => ({
      message: LABELS[field] ? `${LABELS[field]}: ${message}` : message,
      href: names.includes(field) ? `#${idOf(field)}` : null,
    })),
  };
}

/** What was typed, from whoever gives it back; anything but a text counts as nothing. */
export function textOf(values: unknown, name: string): string {
  if (typeof values !== 'object' || values === null) return '';
  const value = (values as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : '';
}
