import { DomainError } from '@app/common/errors/domain-error';
import type { Logger } from '@app/common/logging/logger';
import { Inject, Injectable } from '@nestjs/common';
import { StorageLimit } from '../database/storage-limit';
import { TenantDatabase } from '../database/tenant-database';
import type { ErrorCode } from '../error-codes';
import { imageNotFound, ImageStore } from '../images/image-store';
import { Turns } from '../images/turns';
import { LOGGER } from '../tokens';
import { makeThumbnail } from './make-thumbnail';
import { ThumbnailStore } from './thumbnail-store';

/** Makes a thumbnail when it is first asked for, one at a time, and keeps it. */
@Injectable()
export class ThumbnailsService {
  private readonly turns = new Turns(1);

  constructor(
    private readonly images: ImageStore,
    private readonly thumbnails: ThumbnailStore,
    private readonly storage: StorageLimit,
    private readonly database: TenantDatabase,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Of the picture that `sha256` names. Throws `thumbnail_unavailable`, and `image_not_found` when it was replaced meanwhile. */
  async get(todoId: string, sha256: string): Promise<Buffer> {
    const thumbnail = this.thumbnails.find(todoId, sha256) ?? (await this.inTurn(todoId, sha256));
    if (thumbnail) return thumbnail;
    throw new DomainError<ErrorCode>(
      'thumbnail_unavailable',
      'No thumbnail can be made of this picture: it is damaged or too large. The picture itself is there.',
    );
  }

  private async inTurn(todoId: string, sha256: string): Promise<Buffer | null> {
    const done = await this.turns.take();
    try {
      const known = this.thumbnails.find(todoId, sha256); // made for somebody else while this waited, or never to be made
      if (known !== undefined) return known;
      const picture = this.images.data(todoId, sha256);
      if (!picture) throw imageNotFound();
      const made = await makeThumbnail(picture);
      this.keep(todoId, sha256, made);
      return made;
    } finally {
      done();
    }
  }

  /** A thumbnail that finds no room, or is made on a replica, is made again the next time. */
  private keep(todoId: string, sha256: string, thumbnail: Buffer | null): void {
    if (this.database.isReadOnly) return;
    try {
      this.storage.guard(() => {
        if (this.images.facts(todoId)?.sha256 !== sha256) return;
        this.storage.assertRoomFor(thumbnail?.length ?? 0);
        this.thumbnails.put(todoId, sha256, thumbnail);
      });
    } catch (error) {
      this.log.warn({ error, todoId }, 'thumbnail.not_kept');
    }
  }
}
