import { EventsController } from '../../apps/tenant-todo/src/events/events.controller';
import { ExportController, ExportDto } from '../../apps/tenant-todo/src/export/export.controller';
import { HealthController } from '../../apps/tenant-todo/src/health/health.controller';
import { ImagesController } from '../../apps/tenant-todo/src/images/images.controller';
import { ImportController, ImportDto } from '../../apps/tenant-todo/src/import/import.controller';
import type { ImportOutcome } from '../../apps/tenant-todo/src/import/import.service';
import { ThumbnailsController } from '../../apps/tenant-todo/src/thumbnails/thumbnails.controller';
import { MAX_DESCRIPTION_CHARACTERS, MAX_TITLE_CHARACTERS } from '../../apps/tenant-todo/src/todos/todo-text';
import type { Todo, TodoPage } from '../../apps/tenant-todo/src/todos/todo';
import {
  CreateTodoDto,
  ListTodosDto,
  MoveTodoDto,
  TODO_FILTERS,
  UpdateTodoDto,
} from '../../apps/tenant-todo/src/todos/todo.dto';
import { TodosController } from '../../apps/tenant-todo/src/todos/todos.controller';
import { UsageController, type Usage } from '../../apps/tenant-todo/src/usage/usage.controller';
import { ERROR_STATUSES } from '../../apps/tenant-todo/src/error-codes';
import { binary, count, describeFields, describer, json, listOf, objectOf, orNull, ref, text, time } from './describe';

type Picture = NonNullable<Todo['image']>;
const title = { type: 'string', minLength: 1, maxLength: MAX_TITLE_CHARACTERS, example: 'Water the plants' } as const;
const description = {
  type: 'string',
  maxLength: MAX_DESCRIPTION_CHARACTERS,
  example: 'The ones in the hall too',
} as const;

export const TENANT_SCHEMAS = {
  Todo: objectOf<Todo>({
    id: text({ format: 'uuid' }),
    title: text({ example: title.example }),
    description: text(),
    completed: { type: 'boolean' },
    createdAt: time,
    updatedAt: time,
    image: orNull(objectOf<Picture>({ mimeType: text({ example: 'image/png' }), bytes: count, sha256: text() })),
  }),
  TodoPage: objectOf<TodoPage>({
    items: listOf(ref('Todo')),
    nextCursor: orNull(text({ description: 'Where the next page begins; null at the end.' })),
    counts: objectOf<TodoPage['counts']>({ all: count, open: count, done: count }),
  }),
  Usage: objectOf<Usage>({
    todos: objectOf<Usage['todos']>({ count, limit: count }),
    images: objectOf<Usage['images']>({ count, bytes: count, limitBytesEach: count }),
    storage: objectOf<Usage['storage']>({ bytes: count, limitBytes: count }),
  }),
  ImportOutcome: objectOf<ImportOutcome>({
    dryRun: { type: 'boolean' },
    todos: objectOf<ImportOutcome['todos']>({ created: count, updated: count, unchanged: count }),
    images: objectOf<ImportOutcome['images']>({ stored: count, removed: count }),
  }),
};

describeFields(CreateTodoDto, { title, description: { ...description, required: false } });
describeFields(UpdateTodoDto, {
  title: { ...title, required: false },
  description: { ...description, required: false },
  completed: { type: 'boolean', required: false },
});
describeFields(MoveTodoDto, {
  before: { type: 'string', nullable: true, description: 'The to-do to stand before; null is the end of the list.' },
});
describeFields(ListTodosDto, {
  filter: { enum: [...TODO_FILTERS], required: false, default: 'all' },
  q: { type: 'string', maxLength: 200, required: false, description: 'Searches titles and descriptions.' },
  limit: { type: 'integer', minimum: 1, maximum: 200, default: 50, required: false },
  cursor: { type: 'string', required: false, description: '`nextCursor` of the page before.' },
});
describeFields(ExportDto, { format: { enum: ['json', 'sqlite'], required: false, default: 'json' } });
describeFields(ImportDto, {
  dryRun: {
    enum: ['0', '1'],
    required: false,
    default: '0',
    description: '1 says what would change, and changes nothing.',
  },
});

const describeController = describer(ERROR_STATUSES, [
  'token_missing',
  'token_invalid',
  'token_expired',
  'unknown_key',
  'wrong_tenant',
  'wrong_epoch',
  'shutting_down',
]);
const WRITING = ['not_primary', 'storage_full'] as const;
const JSON_BODY = ['json_malformed', 'body_too_large', 'unsupported_media_type', 'validation_failed'] as const;
const FORM_BODY = ['multipart_malformed', 'image_too_large', 'image_type_unsupported'] as const;
const theTodo = { description: 'The to-do as it is now.', content: json(ref('Todo')), headers: ['ETag'] } as const;
const none = { description: 'Done; there is no body.' };
const unchanged = { description: 'Nothing has changed since that ETag; there is no body.' };

describeController(TodosController, {
  list: {
    summary: 'List to-dos',
    answers: { 200: { description: 'One page.', content: json(ref('TodoPage')), headers: ['ETag'] }, 304: unchanged },
    errors: ['validation_failed', 'cursor_invalid'],
  },
  create: {
    summary: 'Create a to-do, with a picture or without',
    description: 'Under an Idempotency-Key a repetition gets the first answer, and nothing is made twice.',
    body: {
      'application/json': ref('CreateTodoDto'),
      'multipart/form-data': {
        type: 'object',
        required: ['title'],
        properties: { title, description, image: binary },
      },
    },
    answers: { 201: { ...theTodo, description: 'The to-do that was made.' } },
    errors: [
      ...WRITING,
      ...JSON_BODY,
      ...FORM_BODY,
      'idempotency_key_invalid',
      'idempotency_key_reused',
      'todo_limit_reached',
    ],
  },
  get: { summary: 'Read a to-do', answers: { 200: theTodo, 304: unchanged }, errors: ['todo_not_found'] },
  update: {
    summary: 'Change a to-do',
    description: 'What is left out stays as it is.',
    answers: { 200: theTodo },
    errors: [...WRITING, ...JSON_BODY, 'todo_not_found', 'precondition_failed'],
  },
  remove: {
    summary: 'Delete a to-do',
    description: 'It can be restored for ten minutes.',
    answers: { 204: none },
    errors: [...WRITING, 'todo_not_found', 'precondition_failed'],
  },
  move: { summary: 'Move a to-do', answers: { 200: theTodo }, errors: [...WRITING, ...JSON_BODY, 'todo_not_found'] },
  restore: {
    summary: 'Take back a deletion',
    description: 'Within ten minutes, picture included.',
    answers: { 200: theTodo },
    errors: [...WRITING, 'todo_not_found', 'todo_limit_reached'],
  },
});

const picture = (...types: string[]) => Object.fromEntries(types.map((type) => [type, binary]));
describeController(ImagesController, {
  put: {
    summary: 'Set the picture of a to-do',
    body: { 'multipart/form-data': { type: 'object', required: ['image'], properties: { image: binary } } },
    answers: { 200: { description: 'The to-do with its picture.', content: json(ref('Todo')) } },
    errors: [
      ...WRITING,
      ...FORM_BODY,
      'body_too_large',
      'unsupported_media_type',
      'validation_failed',
      'todo_not_found',
      'precondition_failed',
    ],
  },
  get: {
    summary: 'Read the picture of a to-do',
    answers: {
      200: {
        description: 'The bytes.',
        content: picture('image/png', 'image/jpeg', 'image/gif', 'image/webp'),
        headers: ['ETag'],
      },
      304: unchanged,
    },
    errors: ['todo_not_found', 'image_not_found'],
  },
  remove: {
    summary: 'Remove the picture of a to-do',
    answers: { 204: none },
    errors: [...WRITING, 'todo_not_found', 'image_not_found', 'precondition_failed'],
  },
});
describeController(ThumbnailsController, {
  get: {
    summary: 'Read the thumbnail of a picture',
    answers: { 200: { description: 'The bytes.', content: picture('image/webp'), headers: ['ETag'] }, 304: unchanged },
    errors: ['todo_not_found', 'image_not_found', 'thumbnail_unavailable'],
  },
});
describeController(UsageController, {
  get: {
    summary: 'What is used, and of how much',
    answers: { 200: { description: 'Usage.', content: json(ref('Usage')), headers: ['ETag'] }, 304: unchanged },
    errors: [],
  },
});
describeController(ExportController, {
  get: {
    summary: 'Take everything out',
    answers: {
      200: {
        description: 'JSON with pictures in base64, or the SQLite file.',
        content: { ...json({ type: 'object' }), 'application/vnd.sqlite3': binary },
      },
    },
    errors: ['validation_failed', 'storage_full'],
  },
});
describeController(ImportController, {
  run: {
    summary: 'Take an export in',
    description: 'All or nothing; to repeat it changes nothing more. What the file does not name stays as it is.',
    body: {
      ...json({
        type: 'object',
        required: ['todos'],
        properties: { todos: { type: 'array', items: { type: 'object' } } },
      }),
      'multipart/form-data': { type: 'object', required: ['file'], properties: { file: binary } },
    },
    answers: { 200: { description: 'What changed, or would.', content: json(ref('ImportOutcome')) } },
    errors: [...WRITING, ...JSON_BODY, ...FORM_BODY, 'import_running', 'todo_limit_reached'],
  },
});
describeController(EventsController, {
  get: {
    summary: 'Changes as they happen',
    description: 'Server-sent events; goes on after `Last-Event-ID`, and ends when the token expires.',
    answers: {
      200: { description: 'A stream that does not end by itself.', content: { 'text/event-stream': text() } },
    },
    errors: ['too_many_streams'],
  },
});
const plain = (properties: Record<string, ReturnType<typeof text>>) => json({ type: 'object', properties });
describeController(HealthController, {
  healthz: {
    summary: 'The process runs',
    isOpen: true,
    answers: { 200: { description: 'It runs.', content: plain({ status: text({ enum: ['ok'] }) }) } },
    errors: ['shutting_down'],
  },
  readyz: {
    summary: 'The tenant can serve',
    isOpen: true,
    answers: {
      200: {
        description: 'Which tenant and database this is.',
        content: plain({ tenantId: text(), databaseId: text(), schemaVersion: count }),
      },
    },
    errors: ['shutting_down'],
  },
  exposeMetrics: {
    summary: "Figures in Prometheus's text format",
    isOpen: true,
    answers: { 200: { description: 'Figures.', content: { 'text/plain': text() } } },
    errors: [],
  },
});
