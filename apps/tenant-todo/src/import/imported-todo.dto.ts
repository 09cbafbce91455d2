import { plainToInstance, Type } from 'class-transformer';
import {
  IsBoolean,
  IsObject,
  IsString,
  Matches,
  validate,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { validationFailed } from '@app/common/errors/validation';
import { CreateTodoDto } from '../todos/todo.dto';

const IfGiven = () => ValidateIf((_, value) => value !== undefined);

class ImportedImageDto {
  @IsString({ message: '`data` is the picture in base64.' })
  data!: string;

  @IfGiven()
  @IsString({ message: '`sha256` is a text.' })
  sha256?: string;

  /** What an export says beside the bytes; they speak for themselves. */
  @IfGiven()
  mimeType?: unknown;

  @IfGiven()
  bytes?: unknown;
}

/** A to-do of an export: what creation takes, under the same rules, and what has become of it since. */
export class ImportedTodoDto extends CreateTodoDto {
  @Matches(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, { message: '`id` is a UUID in small letters.' })
  id!: string;

  @IfGiven()
  @IsBoolean({ message: '`completed` has to be true or false.' })
  completed?: boolean;

  @IsTime()
  createdAt!: string;

  @IsTime()
  updatedAt!: string;

  @ValidateIf((_, value) => value !== undefined && value !== null)
  @IsObject({ message: '`image` is null or an object with `data`.' })
  @ValidateNested()
  @Type(() => ImportedImageDto)
  image?: ImportedImageDto | null;
}

/** Throws `validation_failed`, with fields as they are called in the to-do. */
export async function validateImported(value: object): Promise<ImportedTodoDto> {
  const todo = plainToInstance(ImportedTodoDto, value);
  const errors = await validate(todo, { whitelist: true, forbidNonWhitelisted: true });
  if (errors.length > 0) throw validationFailed(errors);
  return todo;
}

function IsTime(): PropertyDecorator {
  const isTime = (value: unknown) =>
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(value) &&
    !Number.isNaN(Date.parse(value));
  return ValidateBy({
    name: 'isTime',
    validator: {
      validate: isTime,
      defaultMessage: (args) => `\`${args?.property}\` is a time like 2026-01-31T12:00:00.000Z.`,
    },
  });
}
