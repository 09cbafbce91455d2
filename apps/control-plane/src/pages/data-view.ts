import { formView, type ErrorsView, type FormProblem } from './form-view';

/** As tenant-todo answers `GET /usage`. */
export interface UsageJson {
  todos: { count: number; limit: number };
  images: { count: number; bytes: number; limitBytesEach: number };
  storage: { bytes: number; limitBytes: number };
}

/** As tenant-todo answers `POST /import`. */
export interface ImportJson {
  dryRun: boolean;
  todos: { created: number; updated: number; unchanged: number };
  images: { stored: number; removed: number };
}

/** What became of an import. */
export type ImportResult =
  | { kind: 'done'; text: string }
  | { kind: 'preview'; outcome: ImportJson }
  | ({ kind: 'refused'; status: number } & FormProblem);

export interface DataView {
  title: string;
  /** Null where the app could not be asked; `trouble` says why. */
  meters: MeterView[] | null;
  trouble: string | null;
  done: string | null;
  preview: { lines: string[]; changesNothing: boolean } | null;
  errors: ErrorsView | null;
}

interface MeterView {
  id: string;
  label: string;
  value: number;
  max: number;
  /** From here on it is shown as nearly full. */
  high: number;
  text: string;
}

const NEARLY_FULL = 0.8;

export function dataView(facts: {
  usage: UsageJson | null;
  trouble: string | null;
  result: ImportResult | null;
}): DataView {
  const { usage, trouble, result } = facts;
  return {
    title: 'Your data',
    meters: usage && metersOf(usage),
    trouble,
    done: result?.kind === 'done' ? result.text : null,
    preview: result?.kind === 'preview' ? previewOf(result.outcome) : null,
    errors: result?.kind === 'refused' ? formView([], { problem: result }).errors : null,
  };
}

function metersOf({ todos, images, storage }: UsageJson): MeterView[] {
  const pictures = `${amount(images.count, 'picture')} of ${size(images.bytes)} among it`;
  return [
    meter('todos', 'To-dos', todos.count, todos.limit, `${number(todos.count)} of ${number(todos.limit)}`),
    meter(
      'storage',
      'Storage',
      storage.bytes,
      storage.limitBytes,
      `${size(storage.bytes)} of ${size(storage.limitBytes)}; ${pictures}`,
    ),
  ];
}

function meter(id: string, label: string, value: number, max: number, text: string): MeterView {
  return { id: `usage-${id}`, label, value, max, high: Math.floor(max * NEARLY_FULL), text };
}

function previewOf({ todos, images }: ImportJson): NonNullable<DataView['preview']> {
  const { created, updated, unchanged } = todos;
  return {
    lines: [
      `${amount(created, 'to-do')} would be added`,
      `${amount(updated, 'to-do')} would be changed to what the file says`,
      `${amount(unchanged, 'to-do')} would stay as they are`,
      `${amount(images.stored, 'picture')} would be stored, ${number(images.removed)} removed`,
    ],
    changesNothing: created + updated + images.stored + images.removed === 0,
  };
}

function amount(count: number, one: string): string {
  return `${number(count)} ${one}${count === 1 ? '' : 's'}`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}

/** As in `4.2 MB`, of 1024 kB. */
function size(bytes: number): string {
  const kilobytes = bytes / 1024;
  return kilobytes < 1024 ? `${Math.ceil(kilobytes)} kB` : `${(kilobytes / 1024).toFixed(1)} MB`;
}
