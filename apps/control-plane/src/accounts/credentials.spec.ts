import { emailProblem, newPasswordProblem, normaliseEmail } from './credentials';

describe('credentials', () => {
  it('compares e-mail addresses trimmed, in lower case and in one form of Unicode', () => {
    expect(normaliseEmail('  Ada@Example.ORG\t')).toBe('ada@example.org');
    expect(normaliseEmail('ＡＤＡ＠example.org')).toBe('ada@example.org');
    expect(normaliseEmail('zoe\u0308@example.org')).toBe(normaliseEmail('zoë@example.org'));
  });

  it.each(['ada@example.org', ' Ada+x@mail.example.org ', `${'a'.repeat(60)}@example.org`])('takes %j', (email) =>
    expect(emailProblem(email)).toBeNull(),
  );

  const long = `a@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(60)}.example.org`;
  it.each([
    '',
    '  ',
    'ada',
    'ada@',
    '@example.org',
    'a b@example.org',
    'ada@example.org, eve@example.org',
    long,
    7,
    null,
  ])('refuses %j as an e-mail address with a sentence', (email) => expect(emailProblem(email)).toMatch(/\.$/));

  it('takes passwords of 8 to 256 characters as people count them, blanks included', () => {
    for (const password of ['12345678', '        ', '🔑'.repeat(8), '🔑'.repeat(256), 'é'.repeat(256)])
      expect(newPasswordProblem(password)).toBeNull();
    for (const password of ['', '1234567', '🔑'.repeat(7), 'x'.repeat(257), undefined, ['12345678']])
      expect(newPasswordProblem(password)).toMatch(/\.$/);
  });
});
