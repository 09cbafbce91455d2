import { DockerContainers } from '@app/minifly-client/docker-containers';
import { LocatorContainers } from '@app/minifly-client/locator-containers';
import { MachinesClient } from '@app/minifly-client/machines-client';
import { MiniflyPlatform } from '@app/minifly-client/minifly-platform';
import { defaultRetry } from '@app/minifly-client/retry';
import type { ControlPlaneConfig } from '../config';
import type { ChosenPlatform, PlatformTools } from './choose-platform';
import { reachableFromContainer } from './host-gateway';
import { TableLedger } from './minifly-ledger';

const DEFAULT_URL = 'http://127.0.0.1:4280';
/** A create holds its answer until the image was pulled and the container runs. */
const TIMEOUT_MS = 5 * 60_000;
/** Each idle stop ends a container, too: what ends together is looked at once. */
const SETTLE_MS = 200;

/** Tenants as containers that Minifly makes. Which there are, Docker says: by its own socket, or, inside a container, a locator. */
export async function miniflyTenants(
  config: Readonly<ControlPlaneConfig>,
  { log, onReturn, dataSource }: PlatformTools,
): Promise<ChosenPlatform> {
  const url = await reachableFromContainer(config.miniflyApiUrl ?? DEFAULT_URL);
  // A create whose answer was lost and that was sent again would make a second machine.
  const retry = { ...defaultRetry, attempts: 1 };
  const client = new MachinesClient({ baseUrl: url, timeoutMs: TIMEOUT_MS, retry });
  const locator = config.miniflyLocator
    ? new LocatorContainers({ directory: config.miniflyLocator, host: new URL(url).hostname })
    : null;
  const docker = new DockerContainers();
  const ledger = new TableLedger(dataSource);
  let stopWatching: (() => void) | undefined;
  let announcing: NodeJS.Timeout | undefined;

  const announceSoon = () => {
    clearTimeout(announcing);
    announcing = setTimeout(() => onReturn(), SETTLE_MS).unref();
  };
  return {
    platform: new MiniflyPlatform({ client, containers: locator ?? docker, ledger }),
    start: () => {
      log.info({ url, containers: locator ? 'locator' : 'docker' }, 'platform.minifly');
      if (!locator) stopWatching = docker.watch(announceSoon, announceSoon);
      return Promise.resolve();
    },
    close: async () => {
      stopWatching?.();
      clearTimeout(announcing);
      await client.close();
      await locator?.close();
    },
  };
}
