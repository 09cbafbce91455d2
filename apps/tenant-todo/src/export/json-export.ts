import type { Clock } from '@app/common/time/clock';
import { Inject, Injectable } from '@nestjs/common';
import { ImageStore } from '../images/image-store';
import { toTodo } from '../todos/todo';
import { TodoStore } from '../todos/todo-store';
import { CLOCK } from '../tokens';
import { EXPORT_FORMAT, EXPORT_VERSION } from './export-format';

/** Bytes of a picture that are made text at once: divisible by three, so that pieces of base64 join without padding between them. */
const PIECE_BYTES = 3 * 64 * 1024;

/** All to-dos as one JSON document, pictures in base64, in pieces: there is never more than one picture in memory. */
@Injectable()
export class JsonExport {
  constructor(
    private readonly todos: TodoStore,
    private readonly images: ImageStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * In the order of the list. Which to-dos, is settled at the beginning; each is then as it is when its turn comes, and left out when
   * it was deleted meanwhile.
   */
  *pieces(): Generator<string> {
    const exportedAt = new Date(this.clock.now()).toISOString();
    const head = JSON.stringify({ format: EXPORT_FORMAT, version: EXPORT_VERSION, exportedAt });
    yield `${head.slice(0, -1)},"todos":[`;
    let separator = '\n';
    for (const id of this.todos.idsInOrder()) {
      const row = this.todos.byId(id);
      if (!row) continue;
      const { image, ...todo } = toTodo(row);
      const data = image && this.images.data(id, image.sha256); // with the row, before anything else can run
      yield `${separator}${JSON.stringify(todo).slice(0, -1)},"image":`;
      if (data) yield* this.imagePieces(image, data);
      yield data ? '}' : 'null}';
      separator = ',\n';
    }
    yield '\n]}\n';
  }

  private *imagePieces(image: object, data: Buffer): Generator<string> {
    yield `${JSON.stringify(image).slice(0, -1)},"data":"`;
    for (let at = 0; at < data.length; at += PIECE_BYTES) yield data.toString('base64', at, at + PIECE_BYTES);
    yield '"}';
  }
}
