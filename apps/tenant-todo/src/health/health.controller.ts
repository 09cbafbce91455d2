import { DomainError } from '@app/common/errors/domain-error';
import { Controller, Get, Header } from '@nestjs/common';
import { TenantConfig } from '../config';
import { TenantDatabase } from '../database/tenant-database';
import type { ErrorCode } from '../error-codes';
import { TodoStore } from '../todos/todo-store';
import { Metrics } from './metrics';
import { Readiness } from './readiness';

/** Open to everybody who reaches the machine: which tenant and database this is, and how it does; nothing of what it holds. */
@Controller()
export class HealthController {
  constructor(
    private readonly config: TenantConfig,
    private readonly database: TenantDatabase,
    private readonly todos: TodoStore,
    private readonly metrics: Metrics,
    private readonly readiness: Readiness,
  ) {}

  @Get('healthz')
  healthz(): { status: 'ok' } {
    this.assertNotDraining();
    return { status: 'ok' };
  }

  /** Asks the database itself, so that a file that cannot be read is not ready. */
  @Get('readyz')
  readyz(): { tenantId: string; databaseId: string; schemaVersion: number } {
    this.assertNotDraining();
    this.todos.counts();
    const { databaseId, schemaVersion } = this.database;
    return { tenantId: this.config.tenantId, databaseId, schemaVersion };
  }

  @Get('metrics')
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  exposeMetrics(): string {
    const { open, done } = this.todos.counts();
    return this.metrics.render({ open, done, usedBytes: this.database.usedBytes() });
  }

  private assertNotDraining(): void {
    if (!this.readiness.isDraining) return;
    throw new DomainError<ErrorCode>('shutting_down', 'This machine is stopping.', { retryAfterSeconds: 1 });
  }
}
