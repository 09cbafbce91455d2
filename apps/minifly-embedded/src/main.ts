import { ListenError } from '@app/common/http/listen';
import { onShutdown } from '@app/common/lifecycle/shutdown';
import { LitefsUnavailableError, requireLitefs } from '@app/common/litefs/require-litefs';
import { createLogger } from '@app/common/logging/logger';
import { OptionsError, parseOptions, type Options } from './options';
import { NoParentError, watchParent } from './parent';
import { startPlatform, type Platform } from './platform';
import { OpenFolderError, removeSocketFolder } from './private-socket';

const MACHINES_STOP_MS = 5000;
/** Without the parent nobody's request is under way any more, and the next parent waits for us. */
const MACHINES_STOP_WITHOUT_PARENT_MS = 500;
const SHUTDOWN_MS = 10_000;

async function main(options: Options): Promise<void> {
  const log = createLogger({ app: 'minifly-embedded', level: options.logLevel });
  if (options.litefs) requireLitefs(options.litefs.searchPath);
  const running: { platform?: Platform } = {};
  let machinesStopMs = MACHINES_STOP_MS;
  let isOrphan = false;
  // Set up first: the parent may go while this one still waits for the platform before it.
  const shutdown = onShutdown(log, SHUTDOWN_MS, [
    { name: 'machines, then the door', run: () => running.platform?.close(machinesStopMs) },
    { name: 'the folder of its socket', run: () => void (isOrphan && removeFolder(options)) },
  ]);
  if (options.listen.kind === 'socket') {
    watchParent(() => {
      isOrphan = true;
      machinesStopMs = MACHINES_STOP_WITHOUT_PARENT_MS;
      shutdown('the parent is gone');
    });
  }
  const platform = await startPlatform(options, log);
  running.platform = platform;
  if (options.listen.kind === 'port') process.stdout.write(instructions(platform.url, options));
  log.info({ url: platform.url, stateDir: options.stateDir, pid: process.pid }, 'platform.ready');
}

function removeFolder({ listen }: Options): void {
  if (listen.kind === 'socket') removeSocketFolder(listen.path);
}

function instructions(url: string, options: Options): string {
  return [
    '',
    `The Machines API listens on ${url}, for programs of this computer. Images: ${options.imagesDir}`,
    'Its machines keep running when their clients end. For the control plane, in another terminal:',
    '',
    `  export PLATFORM=embedded MINIFLY_API_URL=${url}`,
    '',
    '',
  ].join('\n');
}

/** What a person can put right is said in a sentence; anything else is a bug, with its stack. */
function exitWith(error: unknown): never {
  const explained = [OptionsError, NoParentError, OpenFolderError, ListenError, LitefsUnavailableError];
  const isExplained = explained.some((kind) => error instanceof kind);
  process.stderr.write(`${isExplained ? (error as Error).message : String((error as Error).stack)}\n`);
  process.exit(1);
}

try {
  main(parseOptions(process.argv.slice(2), process.env)).catch(exitWith);
} catch (error) {
  exitWith(error);
}
