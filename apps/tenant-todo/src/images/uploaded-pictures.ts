import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { readPicture, type Picture } from './picture';
import { Turns } from './turns';

/** Pictures that are whole in memory at once. Fifty uploads arrive on disk side by side and are stored two by two. */
const IN_MEMORY_AT_ONCE = 2;

@Injectable()
export class UploadedPictures {
  private readonly turns = new Turns(IN_MEMORY_AT_ONCE);

  /** Gives `store` the picture that came with the request, or null. Throws `image_type_unsupported`, `validation_failed`. */
  async store<T>(request: Request, store: (picture: Picture | null) => T): Promise<T> {
    if (!request.file) return store(null);
    const done = await this.turns.take();
    try {
      return store(await readPicture(request.file.path));
    } finally {
      done();
    }
  }
}
