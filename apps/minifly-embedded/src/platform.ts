import { chmodSync, mkdirSync, realpathSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { listen, ListenError } from '@app/common/http/listen';
import type { Logger } from '@app/common/logging/logger';
import { waitForLock } from '@app/common/sqlite/lock';
import { systemClock } from '@app/common/time/clock';
import { createApiServer } from './api-server';
import { Apps } from './apps';
import { Images } from './images';
import { Litefs } from './litefs';
import { requireLocal } from './local-access';
import { Machines } from './machines';
import type { Options } from './options';
import { waitForPreviousRun } from './previous-run';
import { listenOnSocket } from './private-socket';
import { machinesApi } from './routes';
import { machinesDir, Runner } from './runner';
import { Store } from './store';
import { Volumes } from './volumes';

export interface Platform {
  /** Where it listens: `http://127.0.0.1:4280`, or the socket's path. */
  url: string;
  /** Machines first, then the door. */
  close: (machinesWithinMs: number) => Promise<void>;
}

/**
 * Puts the platform together on its state directory: waits until it is the only one there and the processes of the one before
 * are gone, repairs what that left half done, then listens.
 */
export async function startPlatform(options: Options, log: Logger): Promise<Platform> {
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  const stateDir = realpathSync(options.stateDir); // as the system names it in a process's working directory
  chmodSync(stateDir, 0o700);
  const lock = await waitForLock(join(stateDir, 'platform.lock'), {
    pollMs: 20,
    onWait: () => log.info({ stateDir }, 'platform.waits_for_another'),
  });
  const store = new Store(stateDir);
  await waitForPreviousRun(store.processes(), machinesDir(stateDir));

  const litefs = new Litefs(stateDir, options.litefs);
  litefs.cleanAll();
  const runner = new Runner(stateDir, log, litefs);
  const volumes = new Volumes(store, stateDir, systemClock, (machineId) => runner.processOf(machineId) !== null);
  const images = new Images(options.imagesDir);
  const machines = new Machines({ store, volumes, images, runner, litefs, clock: systemClock, log });
  const apps = new Apps(store, machines, volumes, systemClock);
  machines.repair();
  await apps.repair();
  volumes.repair();

  const server = createApiServer({
    routes: machinesApi({ apps, machines, volumes, store }),
    clock: systemClock,
    log,
    admit: options.listen.kind === 'port' ? requireLocal : () => undefined,
  });
  const url = await openDoor(server, options.listen);
  return {
    url,
    close: async (machinesWithinMs) => {
      await machines.close(machinesWithinMs);
      server.close();
      server.closeAllConnections();
      store.close();
      lock.release();
    },
  };
}

async function openDoor(server: Server, where: Options['listen']): Promise<string> {
  if (where.kind === 'port') {
    const { port } = await listen(server, where.port, '127.0.0.1').catch((cause: unknown) => {
      if (!(cause instanceof ListenError)) throw cause;
      const text = `Cannot listen on 127.0.0.1:${where.port}. Stop the program that has it, or set MINIFLY_API_PORT to a free port.`;
      throw new ListenError(text, { cause });
    });
    return `http://127.0.0.1:${port}`;
  }
  await listenOnSocket(server, where.path);
  return where.path;
}
