import type { Logger } from '@app/common/logging/logger';
import type { LoggerService } from '@nestjs/common';

/** Nest's own warnings and errors as our lines. What it says while it starts (routes, modules) is left out. */
export function nestLogger(log: Logger): LoggerService {
  return {
    log: () => undefined,
    warn: (message: unknown) => log.warn({ message: String(message) }, 'nest.warning'),
    error: (message: unknown, stack?: unknown) => log.error({ message: String(message), stack }, 'nest.error'),
  };
}
