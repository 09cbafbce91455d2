import { formView } from './form-view';

describe('formView', () => {
  it('keeps what was typed, and never a password', () => {
    const { fields } = formView(['email', 'password'], { values: { email: 'ada@', password: 'hunter22' } });
    expect(fields.email.value).toBe('ada@');
    expect(fields.password.value).toBe('');
  });

  it('says each error at its field, and above the form with a link to it', () => {
    const problem = { detail: 'x', fields: [{ field: 'title', message: 'Write a title.' }] };
    const { fields, errors } = formView(['title'], { prefix: 'new-', problem });
    expect(fields.title).toMatchObject({ id: 'new-title', error: 'Write a title.' });
    expect(errors?.items).toEqual([{ message: 'Title: Write a title.', href: '#new-title' }]);
  });

  it('says an error that is at no field of the form above it, without a link', () => {
    const fields = [{ field: 'extra', message: 'This field is not known here.' }];
    const { errors } = formView(['title'], { problem: { detail: 'x', fields } });
    expect(errors?.items).toEqual([{ message: 'This field is not known here.', href: null }]);
    expect(formView(['title'], { problem: { detail: 'Too many.', fields: [] } }).errors?.summary).toBe('Too many.');
  });

  it('takes what is no text for nothing', () => {
    expect(formView(['title'], { values: { title: ['a', 'b'] } }).fields.title.value).toBe('');
    expect(formView(['title'], { values: 'text' }).fields.title.value).toBe('');
  });
});
