import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsString, Max, Min, MaxLength, ValidateIf } from 'class-validator';
import { IsDescription, IsTitle, normaliseDescription, normaliseTitle } from './todo-text';

/** Left out is allowed, `null` is not: class-validator's `IsOptional` lets both pass. */
const IfGiven = () => ValidateIf((_, value) => value !== undefined);

export class CreateTodoDto {
  @Transform(({ value }) => normaliseTitle(value))
  @IsTitle()
  title!: string;

  @Transform(({ value }) => normaliseDescription(value))
  @IfGiven()
  @IsDescription()
  description?: string;
}

export class UpdateTodoDto {
  @Transform(({ value }) => normaliseTitle(value))
  @IfGiven()
  @IsTitle()
  title?: string;

  @Transform(({ value }) => normaliseDescription(value))
  @IfGiven()
  @IsDescription()
  description?: string;

  @IfGiven()
  @IsBoolean({ message: '`completed` has to be true or false.' })
  completed?: boolean;
}

export class MoveTodoDto {
  @ValidateIf((_, value) => value !== null)
  @IsString({ message: '`before` is the id of a to-do, or null for the end of the list.' })
  before!: string | null;
}

/** A picture's form has the picture alone. */
export class PutImageDto {}

export const TODO_FILTERS = ['all', 'open', 'done'] as const;
export type TodoFilter = (typeof TODO_FILTERS)[number];

const LIMIT_MESSAGE = '`limit` is a whole number from 1 to 200.';

export class ListTodosDto {
  @IsIn(TODO_FILTERS, { message: `\`filter\` is one of ${TODO_FILTERS.join(', ')}.` })
  filter: TodoFilter = 'all';

  @IfGiven()
  @IsString({ message: '`q` has to be given once.' })
  @MaxLength(200, { message: '`q` may have at most 200 characters.' })
  q?: string;

  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value,
  )
  @IsInt({ message: LIMIT_MESSAGE })
  @Min(1, { message: LIMIT_MESSAGE })
  @Max(200, { message: LIMIT_MESSAGE })
  limit = 50;

  @IfGiven()
  @IsString({ message: '`cursor` has to be given once.' })
  cursor?: string;
}
