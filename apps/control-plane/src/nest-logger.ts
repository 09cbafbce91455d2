import type { Logger } from '@app/common/logging/logger';
import type { LoggerService } from '@nestjs/common';

/** Nest's own words in our log: its warnings and errors as such, the rest for those who debug. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, context?: unknown): void {
    this.logger.debug({ message, context }, 'nest.log');
  }

  debug(message: unknown, context?: unknown): void {
    this.logger.trace({ message, context }, 'nest.log');
  }

  verbose(message: unknown, context?: unknown): void {
    this.logger.trace({ message, context }, 'nest.log');
  }

  warn(message: unknown, context?: unknown): void {
    this.logger.warn({ message, context }, 'nest.warning');
  }

  error(message: unknown, ...details: unknown[]): void {
    const what = message instanceof Error ? { error: message } : { message };
    this.logger.error({ ...what, details }, 'nest.error');
  }
}
