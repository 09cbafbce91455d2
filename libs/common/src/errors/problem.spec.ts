import { DomainError } from './domain-error';
import { isBug, toProblem } from './problem';

const STATUSES = { todo_not_found: 404, validation_failed: 422 };

describe('toProblem', () => {
  it('answers an expected failure with its code, its sentence and what was refused', () => {
    const error = new DomainError('validation_failed', 'Some fields need a change.', {
      fields: [{ field: 'title', message: 'Too long.' }],
      input: { title: 'x' },
    });
    expect(toProblem(error, STATUSES, 'r1')).toEqual({
      type: 'about:blank',
      title: 'Unprocessable Entity',
      status: 422,
      code: 'validation_failed',
      detail: 'Some fields need a change.',
      requestId: 'r1',
      errors: [{ field: 'title', message: 'Too long.' }],
      input: { title: 'x' },
    });
  });

  it('maps the client errors of Nest and of Express by their status', () => {
    const parser = Object.assign(new Error('Unexpected token'), { status: 400 });
    expect(toProblem(parser, STATUSES, 'r')).toMatchObject({ status: 400, code: 'bad_request' });
    const nest = Object.assign(new Error('Cannot GET /x'), { getStatus: () => 404 });
    expect(toProblem(nest, STATUSES, 'r')).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('says nothing of an error that nobody foresaw, nor of a code that has no status', () => {
    for (const error of [new Error('password is hunter2'), new DomainError('secret_code', 'secret'), 'text', null]) {
      const problem = toProblem(error, STATUSES, 'r');
      expect(problem).toMatchObject({ status: 500, code: 'internal_error' });
      expect(isBug(problem)).toBe(true);
      expect(JSON.stringify(problem)).not.toMatch(/hunter2|secret/);
    }
  });
});
