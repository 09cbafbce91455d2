import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TenantConfig } from '../config';

/** Files on their way in or out, under `uploads/` of the volume. Whoever made one removes it; what a killed process left is swept at the next start. */
@Injectable()
export class Staging {
  readonly directory: string;

  constructor(config: TenantConfig) {
    this.directory = join(config.dataDir, 'uploads');
    rmSync(this.directory, { recursive: true, force: true });
    mkdirSync(this.directory, { recursive: true });
  }

  /** The path of a file that is not there yet. */
  newFile(): string {
    return join(this.directory, randomUUID());
  }
}
