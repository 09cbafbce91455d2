import type { Logger } from '../logging/logger';

export interface ShutdownStep {
  name: string;
  /** May take as long as the deadline leaves; a failure is logged and the next step runs. */
  run: () => Promise<void> | void;
}

/**
 * Runs the steps in their order on SIGTERM or SIGINT and exits 0; past the deadline it exits 1 with the name of the step that hung.
 * A signal may come twice (a terminal's Ctrl-C comes from the terminal and from npm): the second one changes nothing.
 */
export function onShutdown(log: Logger, deadlineMs: number, steps: readonly ShutdownStep[]): (reason: string) => void {
  let running = false;
  const shutdown = (reason: string) => {
    if (running) return;
    running = true;
    log.info({ reason }, 'shutdown.started');
    void runSteps(log, deadlineMs, steps).then((code) => process.exit(code));
  };
  process.on('SIGTERM', () => shutdown('SIGTERM'));
  process.on('SIGINT', () => shutdown('SIGINT'));
  return shutdown;
}

async function runSteps(log: Logger, deadlineMs: number, steps: readonly ShutdownStep[]): Promise<number> {
  let current = '';
  setTimeout(() => {
    log.error({ step: current, deadlineMs }, 'shutdown.deadline_passed');
    process.exit(1);
  }, deadlineMs).unref();
  for (const step of steps) {
    current = step.name;
    try {
      await step.run();
    } catch (error) {
      log.error({ step: step.name, error }, 'shutdown.step_failed');
    }
  }
  log.info({}, 'shutdown.finished');
  return 0;
}
