import { DomainError } from '@app/common/errors/domain-error';
import { Injectable } from '@nestjs/common';
import { TenantConfig } from '../config';
import type { ErrorCode } from '../error-codes';
import { TenantDatabase } from './tenant-database';

/** How much the tenant may store, and the transaction in which storing happens. */
@Injectable()
export class StorageLimit {
  readonly maxBytes: number;

  constructor(
    private readonly database: TenantDatabase,
    config: TenantConfig,
  ) {
    this.maxBytes = config.maxStorageMb * 1024 * 1024;
  }

  /** Throws `storage_full` where so many bytes more would pass the limit. What makes room is never refused. */
  assertRoomFor(bytes: number): void {
    if (bytes >= 0 && this.database.usedBytes() + bytes > this.maxBytes) throw this.storageFull();
  }

  /** Throws `storage_full` for so many bytes that they never fit, whatever is removed. */
  assertWithin(bytes: number): void {
    if (bytes > this.maxBytes) throw this.storageFull();
  }

  /** A disk that is full answers like a limit that is reached. */
  async asFull<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.named(error);
    }
  }

  /** All of `work` or nothing. A disk that is full answers like a limit that is reached. */
  guard<T>(work: () => T): T {
    try {
      return this.database.sqlite.transaction(work).immediate();
    } catch (error) {
      throw this.named(error);
    }
  }

  private named(error: unknown): unknown {
    return (error as { code?: string } | undefined)?.code === 'SQLITE_FULL' ? this.storageFull(error) : error;
  }

  private storageFull(cause?: unknown): DomainError<ErrorCode> {
    const limit = `${this.maxBytes / 1024 / 1024} MB`;
    return new DomainError(
      'storage_full',
      `The storage is full (${limit}). Remove some pictures first; to-dos that are deleted make room after ten minutes.`,
      { cause },
    );
  }
}
