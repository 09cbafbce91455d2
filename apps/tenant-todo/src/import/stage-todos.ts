import { DomainError } from '@app/common/errors/domain-error';
import type { ErrorCode } from '../error-codes';
import { pictureOf, type Picture } from '../images/picture';
import { IMAGE_FIELD, imageTooLarge, MAX_IMAGE_BYTES, refusedField } from '../images/uploads';
import { validateImported, type ImportedTodoDto } from './imported-todo.dto';
import type { ImportStage } from './import-stage';
import { readTodos } from './read-todos';

/** What stops a file that can never fit before all of it is read. */
export interface ImportLimits {
  assertTodos(count: number): void;
  assertImageBytes(bytes: number): void;
}

/**
 * Reads a body, checks each to-do as its creation would be, and puts it on the stage. Throws what `readTodos` does, what the limits do, and
 * `validation_failed` with fields like `todos.3.title`.
 */
export async function stageTodos(
  chunks: AsyncIterable<Buffer>,
  stage: ImportStage,
  limits: ImportLimits,
): Promise<void> {
  let place = 0;
  let imageBytes = 0;
  for await (const value of readTodos(chunks)) {
    limits.assertTodos(place + 1);
    try {
      const todo = await validateImported(objectOf(value));
      const picture = todo.image ? await readImage(todo.image).catch(inImageData) : null;
      limits.assertImageBytes((imageBytes += picture?.data.length ?? 0));
      if (!stage.add(toRow(place, todo), picture)) throw refusedField('id', 'This id is in the file twice.');
    } catch (error) {
      throw atPlace(error, `todos.${place}`);
    }
    place += 1;
  }
}

function toRow(
  place: number,
  { id, title, description = '', completed = false, createdAt, updatedAt }: ImportedTodoDto,
) {
  return {
    place,
    id,
    title,
    description,
    completed: completed ? (1 as const) : (0 as const),
    createdAt: Date.parse(createdAt),
    updatedAt: Date.parse(updatedAt),
  };
}

function objectOf(value: unknown): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw refusedField('', 'A to-do is an object.');
}

async function readImage(image: NonNullable<ImportedTodoDto['image']>): Promise<Picture> {
  const data = Buffer.from(image.data, 'base64');
  const padding = /={0,2}$/.exec(image.data)?.[0].length ?? 0;
  if (data.length !== Math.floor(((image.data.length - padding) * 3) / 4)) {
    throw refusedField('image.data', 'The picture is not whole base64.'); // what Node does not know it leaves out
  }
  if (data.length > MAX_IMAGE_BYTES) throw imageTooLarge();
  const picture = await pictureOf(data);
  if (image.sha256 === undefined || image.sha256 === picture.sha256) return picture;
  throw refusedField('image.sha256', 'The picture is not the one that was exported: its sha256 is another.');
}

/** An uploaded picture is the field `image`; here that is an object. */
function inImageData(error: unknown): never {
  if (!(error instanceof DomainError) || !error.fields) throw error;
  const fields = error.fields.map(({ field, message }) => ({
    field: field === IMAGE_FIELD ? `${IMAGE_FIELD}.data` : field,
    message,
  }));
  throw new DomainError<ErrorCode>('validation_failed', error.message, { cause: error, fields });
}

/** What creation says of a field, said of that field in the file. Of the request itself nothing is too large or of a wrong type. */
function atPlace(error: unknown, place: string): unknown {
  if (!(error instanceof DomainError) || !error.fields) return error;
  const fields = error.fields.map(({ field, message }) => ({
    field: field === '' ? place : `${place}.${field}`,
    message,
  }));
  const [first] = fields;
  return new DomainError<ErrorCode>('validation_failed', `${first?.field}: ${first?.message} Nothing was imported.`, {
    cause: error,
    fields,
  });
}
