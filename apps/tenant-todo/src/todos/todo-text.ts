import { ValidateBy } from 'class-validator';

export const MAX_TITLE_CHARACTERS = 200;
export const MAX_DESCRIPTION_CHARACTERS = 10_000;

/** One character can be made of any number of code units (combining marks); this keeps it within reason. */
const UNITS_PER_CHARACTER = { title: 20, description: 4 };

const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/; // eslint-disable-line no-control-regex -- refused here
const LONE_SURROGATE = /\p{Surrogate}/u;
const SOMETHING_VISIBLE = /[^\s\p{Cf}]/u;

/** A title is one line: what was pasted with line breaks or tabs is joined by spaces. Other values pass for the check to refuse. */
export function normaliseTitle(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/[\t\n\v\f\r\u2028\u2029]+/g, ' ').trim() : value;
}

/** Forms send CRLF, JSON clients LF: the same text is the same text. `null` is no description. */
export function normaliseDescription(value: unknown): unknown {
  if (value === null) return '';
  return typeof value === 'string' ? value.replace(/\r\n?/g, '\n').trim() : value;
}

/** Folded for comparing: without regard to case, or to the several ways of writing the same character. */
export function foldForSearch(text: string): string {
  return text.normalize('NFKC').toLowerCase().toUpperCase();
}

/** Title and description, apart, so that no match reaches from one into the other: control characters are in neither. */
export function searchTextOf(title: string, description: string): string {
  return `${foldForSearch(title)}\u001f${foldForSearch(description)}`;
}

export function IsTitle(): PropertyDecorator {
  return isText('title', (text) => {
    if (!SOMETHING_VISIBLE.test(text)) return 'Write a title.';
    return tooLong('title', text, MAX_TITLE_CHARACTERS);
  });
}

export function IsDescription(): PropertyDecorator {
  return isText('description', (text) => tooLong('description', text, MAX_DESCRIPTION_CHARACTERS));
}

function isText(name: 'title' | 'description', problemOf: (text: string) => string | undefined): PropertyDecorator {
  const problem = (value: unknown) => {
    if (typeof value !== 'string') return value === undefined ? `Write a ${name}.` : `The ${name} has to be a text.`;
    // A lone surrogate cannot be written as UTF-8: it would come back as another text.
    if (LONE_SURROGATE.test(value) || CONTROL_CHARACTERS.test(value)) {
      return `The ${name} has characters that cannot be shown. Remove them and try again.`;
    }
    return problemOf(value);
  };
  return ValidateBy({
    name,
    validator: {
      validate: (value) => problem(value) === undefined,
      defaultMessage: (args) => problem(args?.value) ?? '',
    },
  });
}

function tooLong(name: 'title' | 'description', text: string, limit: number): string | undefined {
  const isLong = text.length > limit * UNITS_PER_CHARACTER[name] || countCharacters(text, limit) > limit;
  return isLong ? `A ${name} may have at most ${limit.toLocaleString('en')} characters.` : undefined;
}

let segmenter: Intl.Segmenter | undefined;

/** Characters as a person counts them. Made at the first long text: it costs a wake 10 ms of ICU. */
function countCharacters(text: string, limit: number): number {
  if (text.length <= limit) return text.length; // never fewer code units than characters
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  let count = 0;
  for (const { index } of segmenter.segment(text)) if (index >= 0) count += 1;
  return count;
}
