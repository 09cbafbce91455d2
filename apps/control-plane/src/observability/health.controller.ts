import { Controller, Get } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** For who watches over the process. A process that shuts down answers 503 from the front door. */
@Controller()
export class HealthController {
  constructor(private readonly dataSource: DataSource) {}

  /** The process runs. */
  @Get('healthz')
  health(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** The process can do its work: its database answers. */
  @Get('readyz')
  async ready(): Promise<{ status: 'ready' }> {
    await this.dataSource.query('SELECT 1');
    return { status: 'ready' };
  }
}
