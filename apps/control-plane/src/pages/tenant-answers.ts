import type { TenantAnswer } from '../proxy/tenant-json';
import type { FormProblem } from './form-view';

/** A to-do as tenant-todo sends it. */
export interface TodoJson {
  id: string;
  title: string;
  description: string;
  completed: boolean;
  createdAt: string;
  updatedAt: string;
  image: { mimeType: string; bytes: number; sha256: string } | null;
}

export interface TodoListJson {
  items: TodoJson[];
  nextCursor: string | null;
  counts: { all: number; open: number; done: number };
}

/** Why a tenant refused a form, and what was typed into it. */
export interface Refusal extends FormProblem {
  status: number;
  code: string;
  input: unknown;
}

export function isSuccess(answer: TenantAnswer): boolean {
  return answer.status >= 200 && answer.status < 300;
}

/** A cast: a 2xx body follows the tenant contract, whose shapes these are. */
export function todoOf(answer: TenantAnswer): TodoJson {
  return answer.body as TodoJson;
}

export function todoListOf(answer: TenantAnswer): TodoListJson {
  return answer.body as TodoListJson;
}

/** The problem in an answer that is no success; a body that is none still gives a sentence. */
export function refusalOf(answer: TenantAnswer): Refusal {
  const { code, detail, errors, input } = (answer.body ?? {}) as {
    code?: string;
    detail?: string;
    errors?: unknown;
    input?: unknown;
  }; // problem+json, by the tenant contract
  const sentence = detail ?? 'Your app answered with something that this page does not understand. Try again.';
  return {
    status: answer.status >= 400 ? answer.status : 502,
    code: code ?? 'tenant_bad_answer',
    detail: sentence,
    fields: fieldsOf(code, sentence, errors),
    input,
  };
}

/** What is wrong with a picture is said at its field, also where the tenant names no field. */
function fieldsOf(code: string | undefined, detail: string, errors: unknown): FormProblem['fields'] {
  if (Array.isArray(errors) && errors.length > 0) return errors as FormProblem['fields']; // by the tenant contract
  return code?.startsWith('image_') ? [{ field: 'image', message: detail }] : [];
}
